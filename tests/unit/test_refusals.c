/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * What happens when a library refuses: each call that core makes to OpenSSL, zlib, libargon2 and for memory of jansson
 * and of its own is refused in turn, the first, the second and so on until all went through. Each time the result is a
 * failure and every out-parameter says so. The Makefile links this program with --wrap for the functions below.
 */
#include "fixture.h"

#include <argon2.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <zlib.h>
#include "core/answertext.h"
#include "core/chatprompt.h"
#include "core/cipher.h"
#include "core/completion.h"
#include "core/extra.h"
#include "core/itsdangerous.h"
#include "core/json.h"
#include "core/password.h"
#include "core/prompttext.h"
#include "core/recovery_code.h"
#include "core/session_entry.h"
#include "core/sse.h"
#include "core/text.h"
#include "core/token.h"
#include "core/totp.h"

/* The call that is refused, counted from now; 0: none. */
static int calls_left;

static bool is_refused(void)
{
    return calls_left && --calls_left == 0;
}

#define WRAP(type, name, parameters, arguments, refusal)                                                               \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        return is_refused() ? (refusal) : __real_##name arguments;                                                     \
    }

WRAP(void *, realloc, (void *old, size_t size), (old, size), NULL)
WRAP(int, RAND_bytes_ex, (OSSL_LIB_CTX * ctx, unsigned char *buf, size_t num, unsigned int strength),
     (ctx, buf, num, strength), 0)
WRAP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), (), NULL)
WRAP(int, EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX * ctx, int type, int number, void *at), (ctx, type, number, at), 0)
WRAP(int, EVP_CipherInit_ex,
     (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *type, ENGINE *impl, const unsigned char *key, const unsigned char *iv,
      int encrypt),
     (ctx, type, impl, key, iv, encrypt), 0)
WRAP(int, EVP_CipherUpdate,
     (EVP_CIPHER_CTX * ctx, unsigned char *out, int *written, const unsigned char *bytes, int len),
     (ctx, out, written, bytes, len), 0)
WRAP(int, EVP_CipherFinal_ex, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *written), (ctx, out, written), 0)
WRAP(EVP_MD *, EVP_MD_fetch, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties),
     NULL)
WRAP(EVP_KDF *, EVP_KDF_fetch, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties),
     NULL)
WRAP(EVP_KDF_CTX *, EVP_KDF_CTX_new, (EVP_KDF * kdf), (kdf), NULL)
WRAP(int, EVP_KDF_derive, (EVP_KDF_CTX * ctx, unsigned char *key, size_t len, const OSSL_PARAM params[]),
     (ctx, key, len, params), 0)
WRAP(int, EVP_Digest,
     (const void *data, size_t len, unsigned char *md, unsigned int *size, const EVP_MD *type, ENGINE *impl),
     (data, len, md, size, type, impl), 0)
WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL)
WRAP(int, EVP_DigestInit_ex, (EVP_MD_CTX * ctx, const EVP_MD *type, ENGINE *impl), (ctx, type, impl), 0)
WRAP(int, EVP_DigestInit_ex2, (EVP_MD_CTX * ctx, const EVP_MD *type, const OSSL_PARAM params[]), (ctx, type, params), 0)
WRAP(int, EVP_MD_CTX_copy_ex, (EVP_MD_CTX * out, const EVP_MD_CTX *in), (out, in), 0)
WRAP(int, EVP_DigestUpdate, (EVP_MD_CTX * ctx, const void *data, size_t len), (ctx, data, len), 0)
WRAP(int, EVP_DigestFinal_ex, (EVP_MD_CTX * ctx, unsigned char *md, unsigned int *size), (ctx, md, size), 0)
WRAP(unsigned char *, HMAC,
     (const EVP_MD *type, const void *key, int key_len, const unsigned char *data, size_t len, unsigned char *md,
      unsigned int *size),
     (type, key, key_len, data, len, md, size), NULL)
WRAP(int, inflateInit_, (z_streamp stream, const char *version, int size), (stream, version, size), Z_MEM_ERROR)
WRAP(int, argon2id_ctx, (argon2_context * context), (context), ARGON2_MEMORY_ALLOCATION_ERROR)

/* What jansson asks memory for: of this size it gets none. */
static size_t refused_size;

static void *json_malloc(size_t size)
{
    return is_refused() || size == refused_size ? NULL : malloc(size);
}

#define UNSET ((void *)0x5AFE)
#define SECRET "a secret that is long enough for us"

typedef apr_status_t act_fn(const void *with, apr_pool_t *pool);

/* Calls act until nothing is refused any more; how often something was. */
static int refuse_each(act_fn *act, const void *with)
{
    for (int n = 1;; n++) {
        apr_pool_t *pool;
        apr_status_t rv;
        bool refused;

        assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
        calls_left = n;
        rv = act(with, pool);
        refused = calls_left == 0;
        calls_left = 0;
        apr_pool_destroy(pool);
        assert_int_equal(rv == APR_SUCCESS, !refused);
        if (!refused)
            return n - 1;
    }
}

/* The same with each of the first 60 calls, where jansson goes on without what it could not have: how often act failed.
 */
static int refuse_sixty(act_fn *act, const void *with)
{
    int failed = 0;

    for (int n = 1; n <= 60; n++) {
        apr_pool_t *pool;

        assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
        calls_left = n;
        failed += act(with, pool) != APR_SUCCESS;
        calls_left = 0;
        apr_pool_destroy(pool);
    }
    return failed;
}

static cs_keyring_t *ring_of(apr_pool_t *pool)
{
    const char *problem;
    cs_keyring_t *ring;

    assert_int_equal(cs_keyring_create(&ring, pool), APR_SUCCESS);
    assert_int_equal(cs_keyring_add(ring, (const unsigned char *)SECRET, sizeof(SECRET), &problem), APR_SUCCESS);
    return ring;
}

/* --- token --- */

static apr_status_t make_ring(const void *with, apr_pool_t *pool)
{
    const char *problem = UNSET;
    cs_keyring_t *ring = UNSET;
    apr_status_t rv = cs_keyring_create(&ring, pool);

    (void)with;
    assert_int_equal(rv == APR_SUCCESS, ring != NULL);
    if (rv == APR_SUCCESS) {
        rv = cs_keyring_add(ring, (const unsigned char *)SECRET, sizeof(SECRET), &problem);
        assert_int_equal(rv == APR_SUCCESS, problem == NULL);
        assert_int_equal(cs_keyring_count(ring), rv == APR_SUCCESS);
    }
    return rv;
}

static void test_a_ring_without_openssl_holds_no_key(void **state)
{
    (void)state;
    assert_true(refuse_each(make_ring, NULL) >= 2 + 2 + 8 * CS_PURPOSE_COUNT);
}

static apr_status_t mint(const void *with, apr_pool_t *pool)
{
    static const unsigned char id[CS_TOKEN_ID_BYTES];
    const char *text = UNSET;
    apr_status_t rv = cs_token_mint(&text, with, CS_PURPOSE_SESSION, id, 0, pool);

    assert_int_equal(rv == APR_SUCCESS, text != NULL);
    return rv;
}

static apr_status_t seal(const void *with, apr_pool_t *pool)
{
    const char *sealed = UNSET, *text = UNSET;
    apr_status_t rv = cs_seal(&sealed, with, CS_PURPOSE_EXPORT, "text", pool);

    assert_int_equal(rv == APR_SUCCESS, sealed != NULL);
    if (rv == APR_SUCCESS) {
        rv = cs_unseal(&text, with, CS_PURPOSE_EXPORT, sealed, pool);
        assert_int_equal(rv == APR_SUCCESS, text != NULL);
    }
    return rv;
}

static void test_nothing_is_signed_without_openssl(void **state)
{
    const cs_keyring_t *ring = ring_of(*state);

    assert_true(refuse_each(mint, ring) >= 7);
    assert_true(refuse_each(seal, ring) >= 14);
}

typedef struct {
    const cs_keyring_t *ring;
    const char *text;
} token_t;

static apr_status_t verify(const void *with, apr_pool_t *pool)
{
    static const cs_token_t zero;
    const token_t *given = with;
    cs_token_t token;
    apr_status_t rv;

    (void)pool;
    memset(&token, 0x5A, sizeof(token));
    rv = cs_token_verify(&token, given->ring, CS_PURPOSE_SESSION, given->text, strlen(given->text), 0, 0);
    if (rv != APR_SUCCESS)
        assert_memory_equal(&token, &zero, sizeof(zero));
    return rv;
}

static void test_a_token_that_cannot_be_checked_is_not_taken(void **state)
{
    static const unsigned char id[CS_TOKEN_ID_BYTES] = {1};
    token_t given = {ring_of(*state), NULL};

    assert_int_equal(cs_token_mint(&given.text, given.ring, CS_PURPOSE_SESSION, id, 0, *state), APR_SUCCESS);
    assert_int_equal(refuse_each(verify, &given), 8);
}

static apr_status_t make_random(const void *with, apr_pool_t *pool)
{
    static const unsigned char zero[32];
    unsigned char bytes[32];
    apr_status_t rv;

    (void)with;
    (void)pool;
    memset(bytes, 0x5A, sizeof(bytes));
    rv = cs_token_random(bytes, sizeof(bytes));
    assert_int_equal(rv != APR_SUCCESS, memcmp(bytes, zero, sizeof(bytes)) == 0);
    return rv;
}

static apr_status_t hash(const void *with, apr_pool_t *pool)
{
    static const unsigned char id[CS_TOKEN_ID_BYTES];

    (void)with;
    return cs_token_hash(id, pool) ? APR_SUCCESS : APR_EGENERAL;
}

static void test_without_random_numbers_and_digests_there_are_no_ids(void **state)
{
    (void)state;
    assert_int_equal(refuse_each(make_random, NULL), 1);
    assert_int_equal(refuse_each(hash, NULL), 1);
}

static apr_status_t make_entry_key(const void *with, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];

    (void)with;
    (void)pool;
    return cs_session_entry_key(key, 0, "hash", "part");
}

static void test_no_entry_of_a_cache_has_half_a_key(void **state)
{
    (void)state;
    assert_true(refuse_each(make_entry_key, NULL) >= 5);
}

/* --- itsdangerous: "fuzz" as secret, {"session_id":"a"} deflated --- */

static apr_status_t make_key(const void *with, apr_pool_t *pool)
{
    unsigned char key[CS_ITSDANGEROUS_KEY_BYTES];

    (void)pool;
    return cs_itsdangerous_key(key, with, strlen(with));
}

static const char *legacy_cookie(const unsigned char *key, apr_pool_t *pool)
{
    static const char json[] = "{\"session_id\":\"a\"}";
    unsigned char packed[64], mac[20];
    uLongf size = sizeof(packed);
    const char *text;

    assert_int_equal(compress(packed, &size, (const unsigned char *)json, strlen(json)), Z_OK);
    text = apr_pstrcat(pool, ".", cs_base64url_encode(packed, size, pool), ".aOfvAA", NULL);
    assert_non_null(
        HMAC(EVP_sha1(), key, CS_ITSDANGEROUS_KEY_BYTES, (const unsigned char *)text, strlen(text), mac, NULL));
    return apr_pstrcat(pool, text, ".", cs_base64url_encode(mac, sizeof(mac), pool), NULL);
}

typedef struct {
    unsigned char key[CS_ITSDANGEROUS_KEY_BYTES];
    const char *text;
} legacy_t;

static apr_status_t read_legacy(const void *with, apr_pool_t *pool)
{
    const legacy_t *given = with;
    cs_itsdangerous_t read = {UNSET, 1};
    apr_status_t rv = cs_itsdangerous_read(&read, given->key, "session_id", given->text, strlen(given->text), pool);

    assert_int_equal(rv == APR_SUCCESS, read.id != NULL);
    assert_int_equal(rv == APR_SUCCESS, read.issued != 0);
    return rv;
}

static void test_an_older_sites_cookie_that_cannot_be_read_is_nobodys(void **state)
{
    legacy_t given;

    assert_int_equal(cs_itsdangerous_key(given.key, "fuzz", 4), APR_SUCCESS);
    given.text = legacy_cookie(given.key, *state);
    assert_int_equal(refuse_each(make_key, "fuzz"), 5);
    assert_true(refuse_each(read_legacy, &given) >= 3);
}

/* --- password --- */

static const cs_password_cost_t cheap = {8, 1, 1};

static apr_status_t hash_password(const void *with, apr_pool_t *pool)
{
    const char *phc = UNSET;
    apr_status_t rv = cs_password_hash(&phc, with, strlen(with), &cheap, pool);

    assert_int_equal(rv == APR_SUCCESS, phc != NULL);
    return rv;
}

static apr_status_t verify_password(const void *phc, apr_pool_t *pool)
{
    bool rehash = true;
    apr_status_t rv = cs_password_verify(&rehash, phc, "password", 8, &cheap);

    (void)pool;
    assert_false(rehash);
    return rv;
}

/* The mismatch is what is wanted, as there is no such user; a refusal is not that. */
static apr_status_t verify_nobody(const void *phc, apr_pool_t *pool)
{
    const apr_status_t rv = verify_password(phc, pool);

    return rv == CS_EBADSIG ? APR_SUCCESS : rv;
}

static apr_status_t make_password(const void *with, apr_pool_t *pool)
{
    const char *password = UNSET;
    apr_status_t rv = cs_password_random(&password, pool);

    (void)with;
    assert_int_equal(rv == APR_SUCCESS, password != NULL);
    return rv;
}

static void test_a_password_that_cannot_be_hashed_is_neither_set_nor_right_nor_wrong(void **state)
{
    const char *phc;

    assert_int_equal(cs_password_hash(&phc, "password", 8, &cheap, *state), APR_SUCCESS);
    assert_int_equal(refuse_each(hash_password, "password"), 2);
    assert_int_equal(refuse_each(verify_password, phc), 1);
    assert_int_equal(refuse_each(verify_nobody, NULL), 1);
    calls_left = 1;
    assert_int_equal(verify_password(phc, *state), APR_ENOMEM);
}

/* Characters are drawn until there are enough, so how many draws there are is chance; the first is always there. */
static void test_no_password_is_made_of_what_is_not_random(void **state)
{
    calls_left = 1;
    assert_int_not_equal(make_password(NULL, *state), APR_SUCCESS);
    calls_left = 0;
    assert_int_equal(make_password(NULL, *state), APR_SUCCESS);
}

/* --- json, prompt, completion, sse --- */

/* jansson's own reader ends the program when its memory does, so only what is done with values is tried. */
static apr_status_t print(const void *with, apr_pool_t *pool)
{
    apr_size_t len = 1;
    const char *text = cs_json_print(with, &len, pool);

    assert_int_equal(text ? strlen(text) : 0, len);
    return text ? APR_SUCCESS : APR_ENOMEM;
}

static void test_json_without_memory_is_not_printed(void **state)
{
    const char *text = "{\"content\":\"a\\ud83d\\ude00b\",\"ids\":[1,2.5,true,null,{\"x\":{}}";
    const char *problem;
    json_t *value;

    /* long enough for the printed text to grow several times */
    for (int i = 0; i < 200; i++)
        text = apr_psprintf(*state, "%s,\"id %d\"", text, i);
    text = apr_pstrcat(*state, text, "]}", NULL);
    assert_int_equal(cs_json_parse(&value, text, strlen(text), &problem, *state), APR_SUCCESS);
    assert_true(refuse_each(print, value) > 3);
    /* The memory ends at each place of such a value once. */
    for (int before = 0; before < 140; before++) {
        text = apr_psprintf(*state, "[\"%0*d\",\"%0120d\",{\"a\":1,\"b\":[2,\"\\n\"]},{},[],false,4]", before, 0, 0);
        assert_int_equal(cs_json_parse(&value, text, strlen(text), &problem, *state), APR_SUCCESS);
        assert_true(refuse_each(print, value) > 1);
    }
}

static void test_json_that_cannot_be_read_for_want_of_memory_is_not_called_malformed(void **state)
{
    const char *problem = UNSET;
    json_t *value = UNSET;

    calls_left = 1;
    assert_int_equal(cs_json_parse(&value, "{}", 2, &problem, *state), APR_ENOMEM);
    assert_null(value);
    assert_non_null(strstr(problem, "not enough memory"));
}

/* More than jansson's arrays have room for at first. */
static const json_t *examples(apr_pool_t *pool)
{
    const int left = calls_left;
    json_t *all;

    calls_left = 0;
    all = cs_json_own(json_array(), pool);
    for (int i = 0; i < 10; i++)
        assert_int_equal(json_array_append_new(all, json_pack("{s:s, s:s}", "role", i % 2 ? "assistant" : "user",
                                                              "content", "an example")),
                         0);
    calls_left = left;
    return all;
}

static apr_status_t write_body(const void *with, apr_pool_t *pool)
{
    const cs_prompt_options_t options = {.model = "m", .stream = true, .params = with};
    cs_prompt_t *prompt = cs_prompt_create(pool);
    const char *body = UNSET;
    apr_size_t len = 1;
    apr_status_t rv;

    prompt->system = "Be brief.";
    cs_prompt_add(prompt, "user", "one");
    cs_prompt_add(prompt, "assistant", "two");
    cs_prompt_add(prompt, "user", "three");
    prompt->examples = examples(pool);
    rv = cs_prompt_to_completions(&body, &len, prompt, &options, pool);
    assert_int_equal(rv == APR_SUCCESS, body != NULL);
    assert_int_equal(body ? strlen(body) : 0, len);
    return rv;
}

typedef struct {
    cs_prompt_form_e form;
    const json_t *params;
    const char *question;
    const cs_prompt_template_t *template;
} text_form_t;

/* The same of a model that is asked with one text. */
static apr_status_t write_text_body(const void *with, apr_pool_t *pool)
{
    const text_form_t *form = with;
    const cs_prompt_options_t options = {.model = "m", .stream = true, .params = form->params};
    cs_prompt_t *prompt = cs_prompt_create(pool);
    const char *body = UNSET;
    apr_size_t len = 1;
    apr_status_t rv;

    prompt->system = "Be brief.";
    prompt->examples = examples(pool);
    cs_prompt_add(prompt, "user", form->question);
    cs_prompt_add(prompt, "assistant", "two");
    cs_prompt_add(prompt, "user", "three");
    rv = cs_prompt_to_text_body(&body, &len, prompt, &options, form->template, form->form, pool);
    assert_int_equal(rv == APR_SUCCESS, body != NULL);
    assert_int_equal(body ? strlen(body) : 0, len);
    return rv;
}

static void test_no_model_that_is_asked_with_a_text_gets_half_of_it(void **state)
{
    static const char params[] = "{\"max_tokens\":9,\"stop\":[\"END\",\"\\n\"]}";
    text_form_t form = {CS_PROMPT_COMPLETION, NULL, "one", cs_prompt_template_builtin("redpajama")};
    cs_prompt_template_t own = *form.template;
    const char *problem;
    json_t *value;

    assert_int_equal(cs_json_parse(&value, params, sizeof(params) - 1, &problem, *state), APR_SUCCESS);
    form.params = value;
    assert_true(refuse_each(write_text_body, &form) > 5);
    form.form = CS_PROMPT_LLAMACPP;
    assert_true(refuse_each(write_text_body, &form) > 5);
    own.begin = "<s>";
    form.template = &own;
    assert_true(refuse_each(write_text_body, &form) > 5);
    form.template = cs_prompt_template_builtin("rinna");
    /* The memory ends at each place of such a text once. */
    for (int before = 0; before < 130; before++) {
        form.question = apr_psprintf(*state, "%0*d\na\n\nb", before, 0);
        assert_true(refuse_each(write_text_body, &form) > 5);
    }
}

static void test_no_model_gets_half_a_body(void **state)
{
    const char *problem;
    json_t *params;

    assert_int_equal(cs_json_parse(&params, "{\"temperature\":1,\"top_p\":0.5}", 29, &problem, *state), APR_SUCCESS);
    assert_true(refuse_each(write_body, params) > 10);
}

/* What the model writes, in two pieces with replacements and, at its end, half a stop text. */
static apr_status_t read_answer(const void *with, apr_pool_t *pool)
{
    cs_prompt_template_t *template = cs_prompt_template_create("t", pool);
    cs_text_t *out = cs_text_create(pool);
    cs_answertext_t *answer;
    const char *problem;
    apr_status_t rv;

    assert_int_equal(cs_prompt_template_set(template, "output=a=>bcd", &problem, pool), APR_SUCCESS);
    assert_int_equal(cs_prompt_template_set(template, "stop=STOP", &problem, pool), APR_SUCCESS);
    answer = cs_answertext_create(template, NULL, pool);
    rv = cs_answertext_feed(answer, with, strlen(with), out);
    if (rv == APR_SUCCESS)
        rv = cs_answertext_feed(answer, "aaa STO", 7, out);
    return rv == APR_SUCCESS ? cs_answertext_end(answer, out) : rv;
}

static void test_an_answer_without_memory_is_no_answer(void **state)
{
    /* The memory ends at each place of such an answer once. */
    for (int before = 0; before < 16; before++)
        assert_true(refuse_each(read_answer, apr_psprintf(*state, " %0*d a %0230d a a a xaax", before, 0, 0)) > 3);
}

static apr_status_t read_piece(const void *with, apr_pool_t *pool)
{
    cs_completion_reader_t *reader;
    cs_completion_t piece;
    apr_status_t rv = cs_completion_reader_create(&reader, pool);

    assert_int_equal(rv, APR_SUCCESS);
    rv = cs_completion_read(&piece, reader, with, strlen(with), pool);
    assert_true(rv == APR_SUCCESS || (!piece.content && !piece.json));
    return rv;
}

static void test_a_piece_without_memory_is_no_piece(void **state)
{
    static const char *const pieces[] = {
        "{\"x\":[\"\\udc00\",\"\\udc00\"],\"choices\":[]}",
        "{\"content\":\"a\",\"stop\":true,\"tokens_evaluated\":7,\"tokens_predicted\":2}",
        "{\"x\":[\"\\udc00\",\"\\udc00\"],\"choices\":[{\"delta\":{\"reasoning\":\"a\\ud83d\",\"content\":[{},"
        "{\"type\":\"text\",\"text\":\"b\\ud83d\"},{\"type\":\"text\",\"text\":\"\\ude00\"}]}}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        assert_true(refuse_sixty(read_piece, pieces[i]) > 10);
}

static apr_status_t add_beside(const void *with, apr_pool_t *pool)
{
    static const char *const pieces[] = {
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}",
        "{\"choices\":[{\"delta\":{\"content\":[{},{},{},{},{},{},{},{},{},{}],"
        "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"x\"}}]}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"y\"}}]}}]}",
    };
    cs_extra_t *extra = cs_extra_create(pool);
    const int left = calls_left;
    apr_status_t rv = APR_SUCCESS;

    (void)with;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]) && rv == APR_SUCCESS; i++) {
        cs_completion_reader_t *reader;
        cs_completion_t piece;

        calls_left = 0;
        assert_int_equal(cs_completion_reader_create(&reader, pool), APR_SUCCESS);
        assert_int_equal(cs_completion_read(&piece, reader, pieces[i], strlen(pieces[i]), pool), APR_SUCCESS);
        calls_left = left;
        rv = cs_extra_add(extra, &piece, 10000);
    }
    return rv;
}

static void test_a_call_without_memory_is_refused(void **state)
{
    (void)state;
    assert_true(refuse_sixty(add_beside, NULL) > 10);
}

/* The half that is held back is joined to the text in a string of its own. */
static void test_half_a_character_does_not_become_text_when_memory_ends(void **state)
{
    static const char first[] = "{\"choices\":[{\"delta\":{\"content\":\"a\\ud83d\"}}]}";
    static const char marked[] = "{\"other\":\"\\udc00\",\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}";
    const char *second = apr_psprintf(*state, "{\"choices\":[{\"delta\":{\"content\":\"\\ude00%0777d\"}}]}", 0);
    const struct {
        const char *piece;
        size_t refused;
    } rows[] = {{first, 2}, {second, 4 + 777 + 1}, {marked, 4}};
    cs_completion_reader_t *reader;
    cs_completion_t piece;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(cs_completion_reader_create(&reader, *state), APR_SUCCESS);
        if (i == 1)
            assert_int_equal(cs_completion_read(&piece, reader, first, strlen(first), *state), APR_SUCCESS);
        refused_size = rows[i].refused;
        assert_int_equal(cs_completion_read(&piece, reader, rows[i].piece, strlen(rows[i].piece), *state), APR_ENOMEM);
        refused_size = 0;
        assert_null(piece.content);
        assert_null(piece.json);
    }
}

static apr_status_t on_event(void *events, const char *name, const char *data, apr_size_t data_len)
{
    (void)name;
    assert_int_equal(strlen(data), data_len);
    ++*(int *)events;
    return APR_SUCCESS;
}

static apr_status_t feed(const void *with, apr_pool_t *pool)
{
    cs_sse_reader_t *reader = UNSET;
    int events = 0;
    apr_status_t rv = cs_sse_reader_create(&reader, on_event, &events, pool);

    for (const char *at = with; *at && rv == APR_SUCCESS; at++)
        rv = cs_sse_feed(reader, at, 1);
    assert_int_equal(rv == APR_SUCCESS, events == 1);
    return rv;
}

/* In one piece lines are not held, so the name and the data are the first that ask for memory. */
static apr_status_t feed_whole(const void *with, apr_pool_t *pool)
{
    static const char named[] = "event: a\0b\0c\ndata: d\ndata: e\n\n";
    cs_sse_reader_t *reader = UNSET;
    int events = 0;
    apr_status_t rv = cs_sse_reader_create(&reader, on_event, &events, pool);

    (void)with;
    if (rv == APR_SUCCESS)
        rv = cs_sse_feed(reader, named, sizeof(named) - 1);
    assert_int_equal(rv == APR_SUCCESS, events == 1);
    return rv;
}

static void test_an_event_without_memory_is_not_handed_on(void **state)
{
    (void)state;
    assert_true(refuse_each(feed, "event: x\ndata: y\ndata: z\n\n") >= 3);
    assert_true(refuse_each(feed_whole, NULL) >= 2);
}

static apr_status_t append(const void *with, apr_pool_t *pool)
{
    cs_text_t *text = cs_text_create(pool);
    apr_size_t before = 0;
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; i < 4 && rv == APR_SUCCESS; i++) {
        before = cs_text_length(text);
        rv = cs_text_append(text, with, strlen(with), 0);
    }
    if (rv != APR_SUCCESS)
        assert_int_equal(cs_text_length(text), before);
    assert_int_equal(strlen(cs_text_get(text)), cs_text_length(text));
    return rv;
}

static void test_a_text_that_cannot_grow_keeps_what_it_has(void **state)
{
    char piece[201];

    (void)state;
    memset(piece, 'x', 200);
    piece[200] = '\0';
    assert_int_equal(refuse_each(append, piece), 3);
}

/* No octet of it is looked at: there is no memory for half of all that can be addressed. */
static void test_a_text_of_half_of_all_memory_is_refused(void **state)
{
    cs_text_t *text = cs_text_create(*state);

    calls_left = 1;
    assert_int_equal(cs_text_append(text, "x", APR_SIZE_MAX / 2 + 2, 0), APR_ENOMEM);
    assert_int_equal(calls_left, 0);
    assert_int_equal(cs_text_length(text), 0);
}

/* --- secrets that are read again, one-time and recovery codes --- */

static apr_status_t seal_secret(const void *with, apr_pool_t *pool)
{
    const char *sealed = UNSET;
    const apr_status_t rv = cs_cipher_seal(&sealed, with, "anna", (const unsigned char *)"secret", 6, pool);

    assert_int_equal(rv == APR_SUCCESS, sealed != NULL);
    return rv;
}

typedef struct {
    const cs_keyring_t *ring;
    const char *sealed;
} sealed_t;

static apr_status_t unseal(const void *with, apr_pool_t *pool)
{
    const sealed_t *given = with;
    cs_opened_t opened = {UNSET, 1, true};
    const apr_status_t rv = cs_cipher_open(&opened, given->ring, "anna", given->sealed, pool);

    assert_int_equal(rv == APR_SUCCESS, opened.bytes != NULL);
    return rv;
}

static void test_a_secret_that_cannot_be_sealed_or_opened_is_not_half_so(void **state)
{
    sealed_t given = {ring_of(*state), NULL};

    assert_true(refuse_each(seal_secret, given.ring) >= 8);
    assert_int_equal(cs_cipher_seal(&given.sealed, given.ring, "anna", (const unsigned char *)"secret", 6, *state),
                     APR_SUCCESS);
    assert_true(refuse_each(unseal, &given) >= 8);
}

static apr_status_t check_code(const void *with, apr_pool_t *pool)
{
    apr_int64_t step = 1;
    const apr_status_t rv = cs_totp_check(&step, with, "287082", apr_time_from_sec(59), CS_TOTP_NO_STEP);

    (void)pool;
    assert_int_equal(rv == APR_SUCCESS, step != CS_TOTP_NO_STEP);
    return rv;
}

static void test_a_code_that_cannot_be_checked_is_not_right(void **state)
{
    (void)state;
    /* the vector of RFC 6238 */
    assert_int_equal(refuse_each(check_code, "12345678901234567890"), 2 * CS_TOTP_WINDOW + 1);
}

static apr_status_t make_recovery_code(const void *with, apr_pool_t *pool)
{
    const char *code = UNSET, *hash = UNSET;
    const apr_status_t rv = cs_recovery_code_make(&code, &hash, pool);

    (void)with;
    assert_int_equal(rv == APR_SUCCESS, code != NULL);
    assert_int_equal(rv == APR_SUCCESS, hash != NULL);
    return rv;
}

static void test_no_recovery_code_is_made_without_its_hash(void **state)
{
    (void)state;
    assert_int_equal(refuse_each(make_recovery_code, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_a_ring_without_openssl_holds_no_key),
        FIXTURE_TEST(test_nothing_is_signed_without_openssl),
        FIXTURE_TEST(test_a_token_that_cannot_be_checked_is_not_taken),
        FIXTURE_TEST(test_without_random_numbers_and_digests_there_are_no_ids),
        FIXTURE_TEST(test_no_entry_of_a_cache_has_half_a_key),
        FIXTURE_TEST(test_an_older_sites_cookie_that_cannot_be_read_is_nobodys),
        FIXTURE_TEST(test_a_password_that_cannot_be_hashed_is_neither_set_nor_right_nor_wrong),
        FIXTURE_TEST(test_no_password_is_made_of_what_is_not_random),
        FIXTURE_TEST(test_json_without_memory_is_not_printed),
        FIXTURE_TEST(test_json_that_cannot_be_read_for_want_of_memory_is_not_called_malformed),
        FIXTURE_TEST(test_no_model_gets_half_a_body),
        FIXTURE_TEST(test_no_model_that_is_asked_with_a_text_gets_half_of_it),
        FIXTURE_TEST(test_half_a_character_does_not_become_text_when_memory_ends),
        FIXTURE_TEST(test_an_event_without_memory_is_not_handed_on),
        FIXTURE_TEST(test_a_text_that_cannot_grow_keeps_what_it_has),
        FIXTURE_TEST(test_a_text_of_half_of_all_memory_is_refused),
        FIXTURE_TEST(test_an_answer_without_memory_is_no_answer),
        FIXTURE_TEST(test_a_piece_without_memory_is_no_piece),
        FIXTURE_TEST(test_a_call_without_memory_is_refused),
        FIXTURE_TEST(test_a_secret_that_cannot_be_sealed_or_opened_is_not_half_so),
        FIXTURE_TEST(test_a_code_that_cannot_be_checked_is_not_right),
        FIXTURE_TEST(test_no_recovery_code_is_made_without_its_hash),
    };

    json_set_alloc_funcs(json_malloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
