/* What the library adds to a program: built with and without VERIFY, stripped, without what is not used. */

#include <nextapi_webhook.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    static char body[65536];
    const size_t length = fread(body, 1, sizeof body, stdin);
    int refused = 1;
    if (argc != 3)
        return 2;
#ifdef VERIFY
    {
        static nextapi_webhook_verifier verifier;
        const nextapi_webhook_secret secret = {argv[1], strlen(argv[1])};
        refused = nextapi_webhook_verifier_init(&verifier, &secret, 1, 300, 300) != NEXTAPI_WEBHOOK_RESULT_OK ||
                  nextapi_webhook_verify(&verifier, argv[2], strlen(argv[2]), body, length, 1700000000,
                                         NULL) != NEXTAPI_WEBHOOK_RESULT_OK;
        nextapi_webhook_verifier_wipe(&verifier);
    }
#else
    refused = length < strlen(argv[1]) || strlen(argv[2]) == 0;
#endif
    return refused;
}
