/* The C++ header: what it says, what moves, and what is wiped. Compiled as C++11 and as C++20. */

#include <nextapi_webhook.hpp>

#include "check.h"
#include "sha256.h"
#include <new>
#include <string>
#include <vector>

using namespace nextapi_webhook;

static_assert(!std::is_copy_constructible<verifier>::value && !std::is_move_constructible<verifier>::value,
              "streams refer to a verifier");
static_assert(!std::is_copy_assignable<verifier>::value && !std::is_move_assignable<verifier>::value,
              "streams refer to a verifier");
static_assert(!std::is_copy_constructible<stream>::value && !std::is_copy_assignable<stream>::value,
              "a copy would be another verdict");
static_assert(std::is_nothrow_move_constructible<stream>::value && std::is_nothrow_move_assignable<stream>::value,
              "it is put into containers");
static_assert(!std::is_copy_constructible<pending>::value && std::is_nothrow_move_constructible<pending>::value,
              "as a stream");
static_assert(std::is_trivially_copyable<verified>::value && std::is_trivially_copyable<event_key>::value, "plain");
static_assert(sizeof(verifier) == sizeof(nextapi_webhook_verifier) && sizeof(stream) == sizeof(nextapi_webhook_stream),
              "nothing is added");
static_assert(!std::is_constructible<bytes, const char *>::value && !std::is_constructible<bytes, std::wstring>::value,
              "no bytes whose number is not known");

static const std::string body = "{\"id\":\"evt_1\",\"type\":\"job.succeeded\"}";

static std::string header_of(const std::string &secret, const std::string &signed_body = body) {
    text<NEXTAPI_WEBHOOK_SIGNATURE_SIZE> header;
    GIVES(sign(secret, signed_body, NOW, header), OK);
    CHECK(std::string(header.c_str()).size() == header.size());
    return {header.data(), header.size()};
}

static void whole() {
    verifier verifier;
    CHECK(verifier.verify(header_of("one"), body, NOW).result() == NEXTAPI_WEBHOOK_RESULT_NOT_INITIALISED);
    const std::string one = "one", two = "two";
    GIVES(verifier.init({two, one}), OK);
    const verified verdict = verifier.verify(header_of("one"), body, NOW + 7);
    CHECK(verdict && verdict.timestamp() == NOW && verdict.age_seconds() == 7 && verdict.key_index() == 1);
    CHECK(verdict.body().size() == body.size() && std::string(verdict.code()) == "ok");

    nextapi_webhook_event event;
    GIVES(verdict.read(event), OK);
    CHECK(std::string(event.id) == "evt_1");
    const auto text = verdict.key().to_text();
    CHECK(std::string(text.c_str()).rfind("event-", 0) == 0 && text.size() == 70);

    const verified refused = verifier.verify(header_of("three"), body, NOW);
    CHECK(!refused && std::string(refused.code()) == "signature_mismatch" && *refused.reason() != '\0');
    CHECK(refused.body().size() == 0 && refused.key() == event_key() && refused.key().to_text().size() == 0);
    GIVES(refused.read(event), NOT_VERIFIED);

    CHECK(!verifier.verify(header_of("one"), body, NOW + 300));
    GIVES(verifier.init({one}, {600, 0}), OK);
    CHECK(verifier.verify(header_of("one"), body, NOW + 599));
    CHECK(!verifier.verify(header_of("one"), body, NOW - 1));

    GIVES(verifier.init({one, one, one, one, one}), KEY_TOO_MANY);
    CHECK(is_zero(&verifier, sizeof verifier));
    GIVES(verifier.init({}), KEY_NONE);
    GIVES(verifier.init({one, std::string()}), KEY_EMPTY);
    const std::vector<unsigned char> empty;
    GIVES(verifier.init({one}), OK);
    CHECK(verifier.verify(header_of("one", ""), empty, NOW));
}

/* What is destroyed leaves zeros. */
template <class Object> struct storage {
    alignas(Object) unsigned char memory[sizeof(Object)];
    Object *made = new (memory) Object;
    bool destroyed() {
        made->~Object();
        return is_zero(memory, sizeof memory) != 0;
    }
};

static void pieces() {
    storage<verifier> keys;
    const std::string one = "one", header = header_of("one");
    GIVES(keys.made->init({one}), OK);
    CHECK(!is_zero(keys.memory, sizeof keys.memory));

    storage<stream> first;
    GIVES(first.made->begin(*keys.made, header), OK);
    GIVES(first.made->update(bytes(body.data(), 5)), OK);
    /* It moves on, and nothing is left where it was. */
    stream second(std::move(*first.made));
    CHECK(is_zero(first.memory, sizeof first.memory));
    GIVES(first.made->update(body), NOT_INITIALISED);
    stream third;
    third = std::move(second);
    CHECK(is_zero(&second, sizeof second));
    stream &same = third;
    third = std::move(same);
    GIVES(third.update(bytes(body.data() + 5, body.size() - 5)), OK);
    verified verdict = third.finish(NOW);
    CHECK(verdict && is_zero(&third, sizeof third));
    CHECK(verdict.key() == event_key());
    GIVES(verdict.set_body(body), OK);
    CHECK(verdict.key() == keys.made->verify(header, body, NOW).key());

    /* Containers move it about. */
    std::vector<stream> many;
    for (int at = 0; at < 5; at++) {
        many.emplace_back();
        GIVES(many.back().begin(*keys.made, header), OK);
        GIVES(many.front().update(bytes(&body[static_cast<std::size_t>(at)], 1)), OK);
    }
    GIVES(many.front().update(bytes(&body[5], body.size() - 5)), OK);
    CHECK(many.front().finish(NOW) && !many.back().finish(NOW));

    GIVES(first.made->begin(*keys.made, header), OK);
    CHECK(first.destroyed() && keys.destroyed());
}

static void elsewhere() {
    const std::string header = header_of("one");
    pending pending;
    CHECK(pending.message(body)[0].size() == 0);
    GIVES(pending.begin(header), OK);
    std::string head;
    std::array<unsigned char, NEXTAPI_WEBHOOK_MAC_SIZE> mac;
    {
        const auto message = pending.message(body);
        for (std::size_t part = 0; part < 2; part++)
            head.append(reinterpret_cast<const char *>(message[part].data()), message[part].size());
        hmac_sha256("one", 3, head.c_str(), message[2].data(), message[2].size(), mac.data());
    }
    nextapi_webhook::pending moved(std::move(pending));
    CHECK(is_zero(&pending, sizeof pending));
    GIVES(moved.offer(2, mac), OK);
    verified verdict = moved.finish(NOW);
    CHECK(verdict && verdict.key_index() == 2);
    GIVES(moved.begin(header), OK);
    GIVES(moved.offer(2, mac), OK);
    CHECK(!moved.finish(NOW + 60, {60, 60}));
}

static void window() {
    verifier verifier;
    const std::string one = "one";
    GIVES(verifier.init({one}), OK);
    const event_key key = verifier.verify(header_of("one"), body, NOW).key();
    const event_key other = verifier.verify(header_of("one", "{}"), std::string("{}"), NOW).key();
    CHECK(key != other && (key < other) != (other < key) && !(key < key));
    replay_window<1> window;
    GIVES(window.contains(key), OK);
    GIVES(window.insert(key), OK);
    GIVES(window.insert(key), DUPLICATE);
    GIVES(window.insert(other), OK);
    GIVES(window.contains(key), OK);
    GIVES(window.remove(other), OK);
    GIVES(window.contains(other), OK);
    /* What was refused has no key that could be remembered. */
    GIVES(window.insert(event_key()), EVENT_KEY_INVALID);
}

#if __cplusplus >= 202002L
static void spans() {
    verifier verifier;
    const std::vector<std::byte> secret(3, std::byte{'x'});
    GIVES(verifier.init({std::span(secret)}), OK);
    const std::span<const char> piece(body);
    const verified verdict = verifier.verify(header_of("xxx"), piece, NOW);
    const std::span<const std::byte> read = verdict.body();
    CHECK(verdict && read.size() == body.size() && static_cast<char>(read[0]) == '{');
    CHECK(verifier.verify(header_of("xxx"), std::as_bytes(piece), NOW));
}
#else
static void spans() {
}
#endif

int main() {
    whole();
    pieces();
    elsewhere();
    window();
    spans();
    puts("the C++ header");
    return 0;
}
