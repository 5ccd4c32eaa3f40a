/*
 * nextapi_webhook.hpp: nextapi_webhook.h for C++11 and later. Header only.
 *
 *     nextapi_webhook::verifier verifier;                              // once, at the start
 *     if (verifier.init({secret}) != NEXTAPI_WEBHOOK_RESULT_OK) ...
 *
 *     const auto verified = verifier.verify(header, body, now);        // for each delivery
 *     if (!verified)
 *         return refuse(verified.code());
 *     if (window.insert(verified.key()) == NEXTAPI_WEBHOOK_RESULT_DUPLICATE) ...
 *     nextapi_webhook_event event;
 *     verified.read(event);
 *
 * What holds a key wipes itself when it goes, and what moves is wiped where it was. Nothing throws,
 * allocates or is virtual: it compiles with -fno-exceptions and -fno-rtti. What the functions do, what
 * they return, and what threads may do is said in nextapi_webhook.h.
 */

#ifndef NEXTAPI_WEBHOOK_HPP
#define NEXTAPI_WEBHOOK_HPP

#include <nextapi_webhook.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <type_traits>
#include <utility>
#if __cplusplus >= 202002L
#include <span>
#endif

#if __cplusplus >= 201703L
#define NEXTAPI_WEBHOOK_NODISCARD [[nodiscard]]
#else
#define NEXTAPI_WEBHOOK_NODISCARD NEXTAPI_WEBHOOK_MUST_USE
#endif

namespace nextapi_webhook {

/** The functions of nextapi_webhook.h return this. */
using result = nextapi_webhook_result;

/**
 * Bytes of somebody else, to be read: of a pointer and a length, or of anything that has data() and
 * size() and consists of bytes, such as std::string, std::vector<char>, std::string_view or std::span.
 */
class bytes {
public:
    constexpr bytes() noexcept : data_(nullptr), size_(0) {}
    bytes(const void *data, std::size_t size) noexcept
        : data_(static_cast<const unsigned char *>(data)), size_(size) {}
    template <class Bytes, class = typename std::enable_if<sizeof(*std::declval<const Bytes &>().data()) == 1>::type>
    bytes(const Bytes &from) noexcept : bytes(static_cast<const void *>(from.data()), from.size()) {}

    const unsigned char *data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
#if __cplusplus >= 202002L
    operator std::span<const std::byte>() const noexcept {
        return {reinterpret_cast<const std::byte *>(data_), size_};
    }
#endif

private:
    const unsigned char *data_;
    std::size_t size_;
};

/** How old a signature may be, and how far ahead, in seconds. */
struct tolerance {
    constexpr tolerance(std::uint64_t past_seconds = NEXTAPI_WEBHOOK_TOLERANCE_SECONDS,
                        std::uint64_t future_seconds = NEXTAPI_WEBHOOK_TOLERANCE_SECONDS) noexcept
        : past(past_seconds), future(future_seconds) {}
    std::uint64_t past;
    std::uint64_t future;
};

/** A text that the library has written, with its own room: a signature header, an event key. */
template <std::size_t Size> class text {
public:
    text() noexcept : characters_{{0}}, length_(0) {}
    const char *c_str() const noexcept { return characters_.data(); }
    const char *data() const noexcept { return characters_.data(); }
    /** Its length in bytes, without the NUL. */
    std::size_t size() const noexcept { return length_; }
    /** Where it is written: room for Size bytes, and for the length. */
    char *room() noexcept { return characters_.data(); }
    std::size_t *length() noexcept { return &length_; }

private:
    std::array<char, Size> characters_;
    std::size_t length_;
};

/** The name under which duplicates of an event are recognised; of a refused delivery, all zeros. */
class event_key {
public:
    event_key() noexcept : key_() {}
    explicit event_key(const nextapi_webhook_event_key &key) noexcept : key_(key) {}

    /** For logs, stores and Idempotency-Key. Empty if this is no key. */
    text<NEXTAPI_WEBHOOK_EVENT_KEY_TEXT_SIZE> to_text() const noexcept {
        text<NEXTAPI_WEBHOOK_EVENT_KEY_TEXT_SIZE> text;
        nextapi_webhook_event_key_text(&key_, text.room(), NEXTAPI_WEBHOOK_EVENT_KEY_TEXT_SIZE, text.length());
        return text;
    }
    const nextapi_webhook_event_key &get() const noexcept { return key_; }

    friend bool operator==(const event_key &left, const event_key &right) noexcept {
        return std::memcmp(&left.key_, &right.key_, sizeof left.key_) == 0;
    }
    friend bool operator!=(const event_key &left, const event_key &right) noexcept { return !(left == right); }
    friend bool operator<(const event_key &left, const event_key &right) noexcept {
        return std::memcmp(&left.key_, &right.key_, sizeof left.key_) < 0;
    }

private:
    nextapi_webhook_event_key key_;
};

/**
 * A verdict: true if the delivery is authentic and fresh. It refers to the body, which has to stay where
 * it is for as long as events are read from it.
 */
class verified {
public:
    /** What of the C functions gave the verdict. */
    verified(nextapi_webhook::result result, const nextapi_webhook_verified &details) noexcept
        : result_(result), details_(details) {}

    explicit operator bool() const noexcept { return result_ == NEXTAPI_WEBHOOK_RESULT_OK; }
    nextapi_webhook::result result() const noexcept { return result_; }
    /** A stable word, such as `signature_mismatch`, and a sentence. */
    const char *code() const noexcept { return nextapi_webhook_result_code(result_); }
    const char *reason() const noexcept { return nextapi_webhook_result_text(result_); }

    std::uint64_t timestamp() const noexcept { return details_.timestamp; }
    std::int64_t age_seconds() const noexcept { return details_.age_seconds; }
    std::size_t key_index() const noexcept { return details_.key_index; }
    bytes body() const noexcept { return {details_.body, details_.body_length}; }

    /** After a body in pieces, or MACs from elsewhere: the body that was verified. */
    NEXTAPI_WEBHOOK_NODISCARD nextapi_webhook::result set_body(bytes body) noexcept {
        return nextapi_webhook_verified_set_body(&details_, body.data(), body.size());
    }
    /** Reads the event from the body. */
    NEXTAPI_WEBHOOK_NODISCARD nextapi_webhook::result read(nextapi_webhook_event &event) const noexcept {
        return nextapi_webhook_event_read(&details_, &event);
    }
    /** The key of the event; all zeros if the delivery was refused or its body is not set. */
    event_key key() const noexcept {
        nextapi_webhook_event_key key;
        const auto ignored = nextapi_webhook_event_key_of(&details_, &key);
        static_cast<void>(ignored);
        return event_key(key);
    }

private:
    nextapi_webhook::result result_;
    nextapi_webhook_verified details_;
};

/** Keys and tolerance. It stays where it is, since streams refer to it: neither copied nor moved. */
class verifier {
public:
    /** Refuses everything until it is initialised. */
    verifier() noexcept : verifier_() {}
    verifier(const verifier &) = delete;
    verifier &operator=(const verifier &) = delete;
    ~verifier() { wipe(); }

    /** Takes 1 to NEXTAPI_WEBHOOK_MAX_KEYS secrets, newest first. Not while streams refer to it. */
    NEXTAPI_WEBHOOK_NODISCARD result init(const bytes *secrets, std::size_t count, tolerance within = {}) noexcept {
        nextapi_webhook_secret given[NEXTAPI_WEBHOOK_MAX_KEYS];
        if (count > NEXTAPI_WEBHOOK_MAX_KEYS) {
            wipe();
            return NEXTAPI_WEBHOOK_RESULT_KEY_TOO_MANY;
        }
        for (std::size_t at = 0; at < count; at++)
            given[at] = {secrets[at].data(), secrets[at].size()};
        return nextapi_webhook_verifier_init(&verifier_, given, count, within.past, within.future);
    }
    NEXTAPI_WEBHOOK_NODISCARD result init(std::initializer_list<bytes> secrets, tolerance within = {}) noexcept {
        return init(secrets.begin(), secrets.size(), within);
    }
    /** Verifies a delivery whose body is there as a whole. */
    NEXTAPI_WEBHOOK_NODISCARD verified verify(bytes header, bytes body, std::uint64_t now) const noexcept {
        nextapi_webhook_verified details;
        const auto verdict =
            nextapi_webhook_verify(&verifier_, reinterpret_cast<const char *>(header.data()), header.size(),
                                   body.data(), body.size(), now, &details);
        return {verdict, details};
    }
    void wipe() noexcept { nextapi_webhook_verifier_wipe(&verifier_); }
    const nextapi_webhook_verifier &get() const noexcept { return verifier_; }

private:
    nextapi_webhook_verifier verifier_;
};

/** A verification of a body that arrives in pieces. Moves, and is not copied; its verifier stays. */
class stream {
public:
    stream() noexcept : stream_() {}
    stream(const stream &) = delete;
    stream &operator=(const stream &) = delete;
    stream(stream &&from) noexcept : stream_(from.stream_) { from.wipe(); }
    stream &operator=(stream &&from) noexcept {
        if (this != &from) {
            stream_ = from.stream_;
            from.wipe();
        }
        return *this;
    }
    ~stream() { wipe(); }

    /** Begins anew. The verifier outlives the stream, and is not initialised again meanwhile. */
    NEXTAPI_WEBHOOK_NODISCARD result begin(const verifier &verifier, bytes header) noexcept {
        return nextapi_webhook_stream_begin(&stream_, &verifier.get(), reinterpret_cast<const char *>(header.data()),
                                            header.size());
    }
    result begin(const verifier &&verifier, bytes header) = delete;
    /** Takes in the next piece. What goes wrong is said by finish as well. */
    result update(bytes piece) noexcept {
        return nextapi_webhook_stream_update(&stream_, piece.data(), piece.size());
    }
    /** Gives the verdict. `now` is the time at which the last piece was there. */
    NEXTAPI_WEBHOOK_NODISCARD verified finish(std::uint64_t now) noexcept {
        nextapi_webhook_verified details;
        const auto verdict = nextapi_webhook_stream_finish(&stream_, now, &details);
        return {verdict, details};
    }
    void wipe() noexcept { nextapi_webhook_stream_wipe(&stream_); }

private:
    nextapi_webhook_stream stream_;
};

/** A verification whose MACs are computed elsewhere. Moves, and is not copied. */
class pending {
public:
    pending() noexcept : pending_() {}
    pending(const pending &) = delete;
    pending &operator=(const pending &) = delete;
    pending(pending &&from) noexcept : pending_(from.pending_) { from.wipe(); }
    pending &operator=(pending &&from) noexcept {
        if (this != &from) {
            pending_ = from.pending_;
            from.wipe();
        }
        return *this;
    }

    NEXTAPI_WEBHOOK_NODISCARD result begin(bytes header) noexcept {
        return nextapi_webhook_pending_begin(&pending_, reinterpret_cast<const char *>(header.data()), header.size());
    }
    /** What each MAC is computed over, one part after the other; none before begin. Refers to this, which must not
     * move meanwhile, and to the body. */
    std::array<bytes, NEXTAPI_WEBHOOK_MESSAGE_PARTS> message(bytes body) const noexcept {
        nextapi_webhook_part parts[NEXTAPI_WEBHOOK_MESSAGE_PARTS];
        std::array<bytes, NEXTAPI_WEBHOOK_MESSAGE_PARTS> message;
        if (nextapi_webhook_pending_message(&pending_, body.data(), body.size(), parts) == NEXTAPI_WEBHOOK_RESULT_OK)
            for (std::size_t at = 0; at < message.size(); at++)
                message[at] = {parts[at].data, parts[at].length};
        return message;
    }
    result offer(std::uint32_t key_index, const std::array<unsigned char, NEXTAPI_WEBHOOK_MAC_SIZE> &mac) noexcept {
        return nextapi_webhook_pending_offer(&pending_, key_index, mac.data());
    }
    NEXTAPI_WEBHOOK_NODISCARD verified finish(std::uint64_t now, tolerance within = {}) noexcept {
        nextapi_webhook_verified details;
        const auto verdict = nextapi_webhook_pending_finish(&pending_, within.past, within.future, now, &details);
        return {verdict, details};
    }
    void wipe() noexcept { nextapi_webhook_pending_wipe(&pending_); }

private:
    nextapi_webhook_pending pending_;
};

/** A memory of the last events: see nextapi_webhook_replay_window_insert for how many. */
template <std::size_t Capacity> class replay_window {
    static_assert(Capacity > 0, "a window without a place takes everything for new");

public:
    replay_window() noexcept : keys_() {}
    NEXTAPI_WEBHOOK_NODISCARD result contains(const event_key &key) const noexcept {
        return nextapi_webhook_replay_window_contains(keys_.data(), Capacity, &key.get());
    }
    NEXTAPI_WEBHOOK_NODISCARD result insert(const event_key &key) noexcept {
        return nextapi_webhook_replay_window_insert(keys_.data(), Capacity, &key.get());
    }
    result remove(const event_key &key) noexcept {
        return nextapi_webhook_replay_window_remove(keys_.data(), Capacity, &key.get());
    }

private:
    std::array<nextapi_webhook_event_key, Capacity> keys_;
};

/** Signs a body: sets the value of the signature header. */
NEXTAPI_WEBHOOK_NODISCARD inline result sign(bytes secret, bytes body, std::uint64_t timestamp,
                                             text<NEXTAPI_WEBHOOK_SIGNATURE_SIZE> &header) noexcept {
    return nextapi_webhook_sign(secret.data(), secret.size(), body.data(), body.size(), timestamp, header.room(),
                                NEXTAPI_WEBHOOK_SIGNATURE_SIZE, header.length());
}

} // namespace nextapi_webhook

#undef NEXTAPI_WEBHOOK_NODISCARD

#endif
