/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/label.h"
#include <stdint.h>
#include <string.h>
#include "core/utf8.h"

typedef struct {
    uint32_t first, last;
} range_t;

static const range_t controls[] = {{0x0001, 0x001F}, {0x007F, 0x009F}, {0x2028, 0x2029}};

static const range_t spaces[] = {{0x0020, 0x0020}, {0x00A0, 0x00A0}, {0x1680, 0x1680}, {0x2000, 0x200A},
                                 {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};

/* Those of chatsession.canonical_name. */
static const range_t invisible[] = {{0x00AD, 0x00AD}, {0x034F, 0x034F}, {0x061C, 0x061C}, {0x115F, 0x1160},
                                    {0x17B4, 0x17B5}, {0x180B, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E},
                                    {0x2060, 0x206F}, {0x3164, 0x3164}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF},
                                    {0xFFA0, 0xFFA0}};

#define IS_IN(point, ranges) is_in(point, ranges, sizeof(ranges) / sizeof((ranges)[0]))

static bool is_in(uint32_t point, const range_t *ranges, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (point >= ranges[i].first && point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* The code point at text, which is valid UTF-8 and not at its end; *text is after it. */
static uint32_t next_point(const char **text)
{
    const unsigned char *at = (const unsigned char *)*text;
    const int more = *at < 0x80 ? 0 : *at < 0xE0 ? 1 : *at < 0xF0 ? 2 : 3;
    uint32_t point = more ? *at & (0x3FU >> more) : *at;
    int i;

    for (i = 1; i <= more; i++) {
        point = point << 6 | (at[i] & 0x3FU);
    }
    *text += more + 1;
    return point;
}

bool cs_label_is(const char *text)
{
    const char *at = text;
    bool begun = false;
    bool space = false;

    if (cs_utf8_count(text, strlen(text)) > CS_LABEL_POINTS) {
        return false;
    }
    while (*at) {
        const uint32_t point = next_point(&at);

        if (IS_IN(point, controls)) {
            return false;
        }
        if (!IS_IN(point, invisible)) {
            space = IS_IN(point, spaces);
            if (space && !begun) {
                return false;
            }
            begun = true;
        }
    }
    return begun && !space;
}

bool cs_labels_are(const json_t *labels)
{
    size_t i;
    const json_t *label;

    if (json_array_size(labels) > CS_LABELS_MAX) {
        return false;
    }
    for (i = 0; (label = json_array_get(labels, i)); i++) {
        const char *text = json_string_value(label);

        /* A NUL would end the text early here and be refused by the database. */
        if (!text || strlen(text) != json_string_length(label) || !cs_label_is(text)) {
            return false;
        }
    }
    return json_is_array(labels);
}
