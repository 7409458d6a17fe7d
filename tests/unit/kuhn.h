/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_KUHN_H
#define CS_KUHN_H
/*
 * Octets that are not UTF-8, in the classes of Markus Kuhn's stress test (stray and missing continuation octets,
 * impossible octets, overlong forms, surrogates alone and in pairs, past the end of Unicode), and how many U+FFFD the
 * recommended practice of Unicode, chapter 3.9, puts in the place of each.
 */
typedef struct {
    const char *octets;
    unsigned int replacements;
} kuhn_case_t;

static const kuhn_case_t kuhn_cases[] = {
    /* continuation octets without a lead */
    {"\x80", 1},
    {"\xBF", 1},
    {"\x80\xBF", 2},
    {"\x80\xBF\x80", 3},
    {"\x80\xBF\x80\xBF", 4},
    {"\x80\xBF\x80\xBF\x80", 5},
    /* leads without continuation */
    {"\xC2", 1},
    {"\xDF", 1},
    {"\xE0", 1},
    {"\xEF", 1},
    {"\xF0", 1},
    {"\xF4", 1},
    {"\xC2 \xDF ", 2},
    {"\xE0 \xEF ", 2},
    {"\xF0 \xF4 ", 2},
    /* sequences that lack their last octet: one maximal subpart each */
    {"\xE1\x80", 1},
    {"\xE0\xA0", 1},
    {"\xED\x9F", 1},
    {"\xEF\xBF", 1},
    {"\xF0\x90", 1},
    {"\xF0\x90\x80", 1},
    {"\xF1\x80\x80", 1},
    {"\xF4\x8F", 1},
    {"\xF4\x8F\xBF", 1},
    {"\xE1\x80\xE1\x80", 2},
    {"\xE1\x80\xF0\x90\x80\xC2", 3},
    {"\xE1\x80\xC3\xA9", 1},
    /* octets that never occur */
    {"\xFE", 1},
    {"\xFF", 1},
    {"\xFE\xFE\xFF\xFF", 4},
    {"\xC0", 1},
    {"\xC1", 1},
    {"\xF5", 1},
    {"\xF8\x88\x80\x80\x80", 5},
    {"\xFC\x84\x80\x80\x80\x80", 6},
    {"\xFB\xBF\xBF\xBF\xBF", 5},
    {"\xFD\xBF\xBF\xBF\xBF\xBF", 6},
    /* overlong forms of '/' and of NUL */
    {"\xC0\xAF", 2},
    {"\xE0\x80\xAF", 3},
    {"\xF0\x80\x80\xAF", 4},
    {"\xF8\x80\x80\x80\xAF", 5},
    {"\xC0\x80", 2},
    {"\xE0\x80\x80", 3},
    {"\xF0\x80\x80\x80", 4},
    {"\xF8\x80\x80\x80\x80", 5},
    {"\xFC\x80\x80\x80\x80\x80", 6},
    /* the longest overlong forms */
    {"\xC1\xBF", 2},
    {"\xE0\x9F\xBF", 3},
    {"\xF0\x8F\xBF\xBF", 4},
    /* surrogates alone */
    {"\xED\xA0\x80", 3},
    {"\xED\xAD\xBF", 3},
    {"\xED\xAE\x80", 3},
    {"\xED\xAF\xBF", 3},
    {"\xED\xB0\x80", 3},
    {"\xED\xBE\x80", 3},
    {"\xED\xBF\xBF", 3},
    /* surrogates in pairs: CESU-8 */
    {"\xED\xA0\x80\xED\xB0\x80", 6},
    {"\xED\xA0\x80\xED\xBF\xBF", 6},
    {"\xED\xAD\xBF\xED\xB0\x80", 6},
    {"\xED\xAF\xBF\xED\xB0\x80", 6},
    {"\xED\xAF\xBF\xED\xBF\xBF", 6},
    {"\xED\xA0\xBD\xED\xB8\x80", 6},
    /* past U+10FFFF */
    {"\xF4\x90\x80\x80", 4},
    {"\xF5\x80\x80\x80", 4},
    {"\xF7\xBF\xBF\xBF", 4},
    /* what Latin-1 and UTF-16 look like */
    {"caf\xE9", 1},
    {"\xFF\xFEh", 2},
    {"\xE9t\xE9", 2},
};
#define KUHN_CASES (sizeof(kuhn_cases) / sizeof(kuhn_cases[0]))

#endif
