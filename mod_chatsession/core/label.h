/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_LABEL_H
#define CS_LABEL_H
/*
 * Labels: the words by which users find their own conversations again. One has 1 to CS_LABEL_POINTS code points that
 * can be seen: no line ends or other control characters, no spaces at the ends, not of invisible characters alone.
 * The database holds the same rule (schema/026_labels.sql); here it becomes a sentence for the caller.
 */
#include <jansson.h>
#include <stdbool.h>

#define CS_LABEL_POINTS 40
/** Labels of one conversation. */
#define CS_LABELS_MAX 10

/** Whether text, valid UTF-8, is a label. */
bool cs_label_is(const char *text);

/** Whether labels is an array of at most CS_LABELS_MAX labels. */
bool cs_labels_are(const json_t *labels);

/** What cs_labels_are wants, for a 400. */
#define CS_LABELS_RULE                                                                                                 \
    "labels, add_labels and remove_labels are lists of at most 10 words of 1 to 40 visible characters, without "       \
    "spaces at their ends."

#endif
