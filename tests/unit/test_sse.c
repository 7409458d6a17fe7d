/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The event stream of WHATWG HTML, wherever its bytes are split, and what it may not do. */
#include "core/sse.h"
#include "core/text.h"
#include "fixture.h"

/** What a reader reported, one line per event: name, length and data. */
typedef struct {
    cs_text_t *log;
    int events;
    apr_status_t answer; /* what the callback returns */
} record_t;

static void log_append(cs_text_t *log, const char *bytes, size_t len)
{
    assert_int_equal(cs_text_append(log, bytes, len, 0), APR_SUCCESS);
}

static apr_status_t on_event(void *baton, const char *name, const char *data, apr_size_t len)
{
    record_t *record = baton;
    char head[64];

    assert_int_equal(data[len], '\0');
    record->events++;
    log_append(record->log, head, (size_t)apr_snprintf(head, sizeof(head), "|%s|%" APR_SIZE_T_FMT "|", name, len));
    log_append(record->log, data, len);
    return record->answer;
}

static cs_sse_reader_t *make_reader(record_t *record, apr_pool_t *pool)
{
    cs_sse_reader_t *reader;

    record->log = cs_text_create(pool);
    record->events = 0;
    record->answer = APR_SUCCESS;
    assert_int_equal(cs_sse_reader_create(&reader, on_event, record, pool), APR_SUCCESS);
    return reader;
}

/** The log of a stream that is fed as a whole. */
static const char *events_of(const char *stream, apr_pool_t *pool)
{
    record_t record;
    cs_sse_reader_t *reader = make_reader(&record, pool);

    assert_int_equal(cs_sse_feed(reader, stream, strlen(stream)), APR_SUCCESS);
    return cs_text_get(record.log);
}

static void test_streams_are_read_as_the_standard_says(void **state)
{
    static const char *const cases[][2] = {
        {"data: x\n\n", "|message|1|x"},
        {"data:x\n\n", "|message|1|x"},
        {"data:  x \n\n", "|message|3| x "},
        {"data: YHOO\ndata: +2\ndata: 10\n\n", "|message|10|YHOO\n+2\n10"},
        {": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
         "|message|11|first event|message|12|second event|message|12| third event"},
        {"data\n\ndata\ndata\n\ndata:", "|message|0||message|1|\n"},
        {"data:test\n\ndata: test\n\n", "|message|4|test|message|4|test"},
        {"event: add\ndata: 1\n\ndata: 2\n\n", "|add|1|1|message|1|2"},
        {"event: a\nevent: b\ndata: 1\n\n", "|b|1|1"},
        {"event: a\nevent\ndata: 1\n\n", "|message|1|1"},
        {"event: a\n\ndata: 1\n\n", "|message|1|1"},
        {"data: 1\nevent: late\n\n", "|late|1|1"},
        {"id: 5\nretry: 100\n\n\n\n", ""},
        {"Data: x\ndatax: y\n data: z\ndat: q\n\n", ""},
        {"data: a:b: c\n\n", "|message|6|a:b: c"},
        {":data: x\n:\n\n", ""},
        {"data: x", ""},
        {"data: x\n", ""},
        {"", ""},
        {"\n\n\n", ""},
    };
    size_t at;

    for (at = 0; at < sizeof(cases) / sizeof(cases[0]); at++)
        assert_string_equal(events_of(cases[at][0], *state), cases[at][1]);
}

static void test_cr_lf_and_crlf_end_a_line(void **state)
{
    static const char expected[] = "|message|3|a\nb|message|1|c";

    assert_string_equal(events_of("data: a\ndata: b\n\ndata: c\n\n", *state), expected);
    assert_string_equal(events_of("data: a\rdata: b\r\rdata: c\r\r", *state), expected);
    assert_string_equal(events_of("data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", *state), expected);
    assert_string_equal(events_of("data: a\r\ndata: b\n\rdata: c\r\r\n", *state), expected);
    /* LF CR is two ends, CR LF one. */
    assert_string_equal(events_of("data: a\n\rdata: b\n\n", *state), "|message|1|a|message|1|b");
}

/* The event is there as soon as CR ends its empty line: waiting for an LF would hold the last token back. */
static void test_a_final_cr_ends_the_event_at_once(void **state)
{
    record_t record;
    cs_sse_reader_t *reader = make_reader(&record, *state);

    assert_int_equal(cs_sse_feed(reader, "data: a\r\n\r", 10), APR_SUCCESS);
    assert_int_equal(record.events, 1);
    assert_int_equal(cs_sse_feed(reader, "\n", 1), APR_SUCCESS);
    assert_int_equal(cs_sse_feed(reader, "data: b\r\n\r\n", 11), APR_SUCCESS);
    assert_string_equal(cs_text_get(record.log), "|message|1|a|message|1|b");
}

static void test_a_leading_byte_order_mark_is_dropped(void **state)
{
    assert_string_equal(events_of("\xEF\xBB\xBF"
                                  "data: x\n\n",
                                  *state),
                        "|message|1|x");
    assert_string_equal(events_of("\xEF\xBB\xBF\n\xEF\xBB\xBF"
                                  "data: x\n\n",
                                  *state),
                        "");
    assert_string_equal(events_of("\xEF\xBB\xBF\xEF\xBB\xBF"
                                  "data: x\n\ndata: y\n\n",
                                  *state),
                        "|message|1|y");
    assert_string_equal(events_of("\xEF\xBB"
                                  "data: x\n\ndata: y\n\n",
                                  *state),
                        "|message|1|y");
    assert_string_equal(events_of("\xEF"
                                  "data: x\n\ndata: y\n\n",
                                  *state),
                        "|message|1|y");
    assert_string_equal(events_of("data: \xEF\xBB\xBF\n\n", *state), "|message|3|\xEF\xBB\xBF");
}

static void test_data_keeps_nul_and_any_octets(void **state)
{
    static const char stream[] = "data: a\0b\xFF\n\nevent: d\0e\ndata: x\n\n";
    record_t record;
    cs_sse_reader_t *reader = make_reader(&record, *state);

    assert_int_equal(cs_sse_feed(reader, stream, sizeof(stream) - 1), APR_SUCCESS);
    assert_int_equal(cs_text_length(record.log), 25);
    /* A name is a C string, so NUL in it shows as U+FFFD and does not cut it to another name. */
    assert_memory_equal(cs_text_get(record.log),
                        "|message|4|a\0b\xFF|d\xEF\xBF\xBD"
                        "e|1|x",
                        25);
}

/** A stream of a few KiB: scripts of one to four octets, all ends of lines, fields of all kinds, a mark in front. */
static cs_text_t *mixed_stream(apr_pool_t *pool)
{
    static const char *const pieces[] = {"Hello, ",
                                         "caf\xC3\xA9 ",
                                         "\xCE\xBB\xCF\x8C\xCE\xB3\xCE\xBF\xCF\x82 ",
                                         "\xD0\x9F\xD1\x80\xD0\xB8 ",
                                         "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D ",
                                         "\xE4\xBD\xA0\xE5\xA5\xBD",
                                         "\xE3\x81\x93\xE3\x82\x93",
                                         "\xE0\xA4\xA8\xE0\xA4\xAE\xE0\xA4\xB8\xE0\xA5\x8D ",
                                         "\xF0\x9F\x98\x80\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB",
                                         "e\xCC\x81",
                                         "\xE2\x80\xA8",
                                         "data: ",
                                         ": ",
                                         "\xEF\xBB\xBF",
                                         "{\"a\":\"\\ud83d\"}"};
    static const char *const ends[] = {"\n", "\r", "\r\n"};
    static const char *const fields[] = {"data: ", "data:",   "data",   ": ",    "event: ",
                                         "id: ",   "other: ", "data: ", "data: "};
    cs_text_t *stream = cs_text_create(pool);
    uint64_t seed = 2026;

    log_append(stream, "\xEF\xBB\xBF", 3);
    while (cs_text_length(stream) < 3500) {
        const char *field = fields[fixture_random(&seed, 9)], *end = ends[fixture_random(&seed, 3)];
        unsigned int count = strcmp(field, "data") ? fixture_random(&seed, 5) : 0;

        log_append(stream, field, strlen(field));
        while (count--) {
            const char *piece = pieces[fixture_random(&seed, 15)];

            log_append(stream, piece, strlen(piece));
        }
        log_append(stream, end, strlen(end));
        if (fixture_random(&seed, 2))
            log_append(stream, end, strlen(end));
    }
    log_append(stream, "\n\ndata: last\n\n", 14);
    return stream;
}

static void assert_same(const record_t *record, const record_t *whole, size_t at)
{
    if (record->events != whole->events || cs_text_length(record->log) != cs_text_length(whole->log) ||
        memcmp(cs_text_get(record->log), cs_text_get(whole->log), cs_text_length(whole->log)) != 0)
        fail_msg("split at octet %zu gives other events", at);
}

/** [K1] */
static void test_split_anywhere_equals_unsplit(void **state)
{
    const cs_text_t *stream = mixed_stream(*state);
    const char *bytes = cs_text_get(stream);
    const size_t len = cs_text_length(stream);
    record_t whole, record;
    apr_pool_t *pool;
    size_t at;

    assert_int_equal(cs_sse_feed(make_reader(&whole, *state), bytes, len), APR_SUCCESS);
    assert_true(whole.events > 40);
    assert_int_equal(apr_pool_create(&pool, *state), APR_SUCCESS);
    for (at = 0; at <= len; at++) {
        cs_sse_reader_t *reader = make_reader(&record, pool);
        /* Pieces of exactly their length, so that looking past an end would be noticed. */
        char *head = test_malloc(at + 1), *tail = test_malloc(len - at + 1);

        memcpy(head, bytes, at);
        memcpy(tail, bytes + at, len - at);
        assert_int_equal(cs_sse_feed(reader, head, at), APR_SUCCESS);
        assert_int_equal(cs_sse_feed(reader, tail, len - at), APR_SUCCESS);
        assert_same(&record, &whole, at);
        test_free(head);
        test_free(tail);
        apr_pool_clear(pool);
    }
}

static void test_single_octets_equal_unsplit(void **state)
{
    const cs_text_t *stream = mixed_stream(*state);
    const char *bytes = cs_text_get(stream);
    const size_t len = cs_text_length(stream);
    record_t whole, record;
    cs_sse_reader_t *reader;
    uint64_t seed = 11;
    size_t at, round, step;

    assert_int_equal(cs_sse_feed(make_reader(&whole, *state), bytes, len), APR_SUCCESS);
    reader = make_reader(&record, *state);
    for (at = 0; at < len; at++)
        assert_int_equal(cs_sse_feed(reader, bytes + at, 1), APR_SUCCESS);
    assert_same(&record, &whole, 1);
    for (round = 0; round < 300; round++) {
        reader = make_reader(&record, *state);
        for (at = 0; at < len; at += step) {
            step = fixture_random(&seed, 40);
            step = step < len - at ? step : len - at;
            assert_int_equal(cs_sse_feed(reader, bytes + at, step), APR_SUCCESS);
        }
        assert_same(&record, &whole, at);
    }
}

static char *filled(const char *head, size_t count, const char *tail, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, strlen(head) + count + strlen(tail) + 1);

    strcpy(text, head);
    memset(text + strlen(head), 'x', count);
    strcpy(text + strlen(head) + count, tail);
    return text;
}

/** Feeds text in pieces of step octets, and in one, and asserts that both end with rv. */
static void assert_feeds(const char *text, size_t step, apr_status_t rv, int events, apr_pool_t *pool)
{
    const size_t len = strlen(text);
    record_t record;
    cs_sse_reader_t *reader = make_reader(&record, pool);
    apr_status_t got = APR_SUCCESS;
    size_t at;

    assert_int_equal(cs_sse_feed(reader, text, len), rv);
    assert_int_equal(record.events, events);
    reader = make_reader(&record, pool);
    for (at = 0; at < len && got == APR_SUCCESS; at += step)
        got = cs_sse_feed(reader, text + at, len - at < step ? len - at : step);
    assert_int_equal(got, rv);
    assert_int_equal(record.events, events);
    /* What failed stays failed. */
    if (rv != APR_SUCCESS) {
        assert_int_equal(cs_sse_feed(reader, "\n\ndata: x\n\n", 11), rv);
        assert_int_equal(cs_sse_feed(reader, "", 0), rv);
        assert_int_equal(record.events, events);
    }
}

static void test_an_event_past_its_limit_is_too_big(void **state)
{
    const size_t half = CS_SSE_MAX_EVENT / 2;
    const char *one = filled("data: ", half, "\n", *state);

    assert_feeds(filled("data: ", CS_SSE_MAX_EVENT, "\n\n", *state), 7777, APR_SUCCESS, 1, *state);
    assert_feeds(filled("data: ", CS_SSE_MAX_EVENT + 1, "\n\n", *state), 7777, CS_ETOOBIG, 0, *state);
    /* The LF before an empty second line no longer fits. */
    assert_feeds(apr_pstrcat(*state, filled("data: ", CS_SSE_MAX_EVENT, "\n", *state), "data:\n\n", NULL), 7777,
                 CS_ETOOBIG, 0, *state);
    /* Two lines and the LF between them. */
    assert_feeds(apr_pstrcat(*state, one, filled("data: ", half - 1, "\n\n", *state), NULL), 7777, APR_SUCCESS, 1,
                 *state);
    assert_feeds(apr_pstrcat(*state, one, filled("data: ", half, "\n\n", *state), NULL), 7777, CS_ETOOBIG, 0, *state);
}

static void test_a_line_past_its_limit_is_too_big(void **state)
{
    const char *events = "data: 1\n\ndata: 2\n\n";

    assert_feeds(apr_pstrcat(*state, events, filled(": ", CS_SSE_MAX_EVENT + 5, "\n", *state), NULL), 7777, CS_ETOOBIG,
                 2, *state);
    assert_feeds(filled("", 2 * CS_SSE_MAX_EVENT, "", *state), 7777, CS_ETOOBIG, 0, *state);
}

static void test_comments_and_many_small_events_have_no_limit(void **state)
{
    const char *comment = filled(": ", 500000, "\n", *state);

    assert_feeds(apr_pstrcat(*state, comment, comment, comment, comment, "data: x\n\n", NULL), 7777, APR_SUCCESS, 1,
                 *state);
}

static void test_the_callbacks_failure_stops_the_reader(void **state)
{
    record_t record;
    cs_sse_reader_t *reader = make_reader(&record, *state);

    record.answer = APR_EOF;
    assert_int_equal(cs_sse_feed(reader, "data: 1\n\ndata: 2\n\n", 18), APR_EOF);
    assert_int_equal(record.events, 1);
    record.answer = APR_SUCCESS;
    assert_int_equal(cs_sse_feed(reader, "data: 3\n\n", 9), APR_EOF);
    assert_int_equal(record.events, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_streams_are_read_as_the_standard_says),
        FIXTURE_TEST(test_cr_lf_and_crlf_end_a_line),
        FIXTURE_TEST(test_a_final_cr_ends_the_event_at_once),
        FIXTURE_TEST(test_a_leading_byte_order_mark_is_dropped),
        FIXTURE_TEST(test_data_keeps_nul_and_any_octets),
        FIXTURE_TEST(test_split_anywhere_equals_unsplit),
        FIXTURE_TEST(test_single_octets_equal_unsplit),
        FIXTURE_TEST(test_an_event_past_its_limit_is_too_big),
        FIXTURE_TEST(test_a_line_past_its_limit_is_too_big),
        FIXTURE_TEST(test_comments_and_many_small_events_have_no_limit),
        FIXTURE_TEST(test_the_callbacks_failure_stops_the_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
