/* SHA-256 (FIPS 180-4) and the states of HMAC (RFC 2104), for tests only: slow, and written for its own sake, so
 * that it shares nothing with what is tested. */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sha256 {
    uint32_t state[8];
    uint64_t length;
    unsigned char block[64];
};

static inline uint32_t sha256_rotate(uint32_t word, int by) {
    return word >> by | word << (32 - by);
}

static inline void sha256_compress(uint32_t state[8], const unsigned char block[64]) {
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    uint32_t w[64], v[8];
    int t;
    for (t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (t = 16; t < 64; t++)
        w[t] = w[t - 16] + w[t - 7] +
               (sha256_rotate(w[t - 15], 7) ^ sha256_rotate(w[t - 15], 18) ^ w[t - 15] >> 3) +
               (sha256_rotate(w[t - 2], 17) ^ sha256_rotate(w[t - 2], 19) ^ w[t - 2] >> 10);
    memcpy(v, state, sizeof v);
    for (t = 0; t < 64; t++) {
        const uint32_t first = v[7] + k[t] + w[t] + ((v[4] & v[5]) ^ (~v[4] & v[6])) +
                               (sha256_rotate(v[4], 6) ^ sha256_rotate(v[4], 11) ^ sha256_rotate(v[4], 25));
        const uint32_t second = ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])) +
                                (sha256_rotate(v[0], 2) ^ sha256_rotate(v[0], 13) ^ sha256_rotate(v[0], 22));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += first;
        v[0] = first + second;
    }
    for (t = 0; t < 8; t++)
        state[t] += v[t];
}

static inline void sha256_begin(struct sha256 *hash) {
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(hash->state, initial, sizeof initial);
    hash->length = 0;
}

static inline void sha256_update(struct sha256 *hash, const void *bytes, size_t length) {
    const unsigned char *byte = (const unsigned char *)bytes;
    while (length-- > 0) {
        hash->block[hash->length++ % 64] = *byte++;
        if (hash->length % 64 == 0)
            sha256_compress(hash->state, hash->block);
    }
}

static inline void sha256_end(struct sha256 *hash, unsigned char digest[32]) {
    const uint64_t bits = 8 * hash->length;
    unsigned char byte = 0x80;
    int at;
    do {
        sha256_update(hash, &byte, 1);
        byte = 0;
    } while (hash->length % 64 != 56);
    for (at = 56; at >= 0; at -= 8) {
        byte = (unsigned char)(bits >> at);
        sha256_update(hash, &byte, 1);
    }
    for (at = 0; at < 32; at++)
        digest[at] = (unsigned char)(hash->state[at / 4] >> (24 - 8 * (at % 4)));
}

/* The key of a secret, and its two padded blocks (RFC 2104 section 2). */
static inline void hmac_blocks(const void *secret, size_t length, unsigned char inner[64], unsigned char outer[64]) {
    struct sha256 hash;
    unsigned char key[64] = {0};
    int at;
    if (length > sizeof key) {
        sha256_begin(&hash);
        sha256_update(&hash, secret, length);
        sha256_end(&hash, key);
    } else {
        memcpy(key, secret, length);
    }
    for (at = 0; at < 64; at++) {
        inner[at] = key[at] ^ 0x36;
        outer[at] = key[at] ^ 0x5c;
    }
}

/* A MAC over three parts: what comes before the body, and the body. */
static inline void hmac_sha256(const void *secret, size_t secret_length, const char *head, const void *body,
                               size_t body_length, unsigned char mac[32]) {
    unsigned char inner[64], outer[64];
    struct sha256 hash;
    hmac_blocks(secret, secret_length, inner, outer);
    sha256_begin(&hash);
    sha256_update(&hash, inner, 64);
    sha256_update(&hash, head, strlen(head));
    sha256_update(&hash, body, body_length);
    sha256_end(&hash, mac);
    sha256_begin(&hash);
    sha256_update(&hash, outer, 64);
    sha256_update(&hash, mac, 32);
    sha256_end(&hash, mac);
}

#endif
