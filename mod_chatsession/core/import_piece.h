/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_IMPORT_PIECE_H
#define CS_IMPORT_PIECE_H
/*
 * The lines of an operators' export, taken apart into whole conversations: a piece of a file that is stored at once,
 * and what is wrong with its lines, each with its number. Lines stay as they stand: a number is not to be read and
 * written anew.
 */
#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>
#include "core/status.h"

/** So many problems are kept; how many there are in all is counted. */
#define CS_IMPORT_PROBLEMS 100

typedef enum {
    CS_IMPORT_NOT_JSON,      /* value: what is wrong with it */
    CS_IMPORT_STRAY_MESSAGE, /* its conversation does not stand before it */
    CS_IMPORT_UNKNOWN_LINE,  /* neither a conversation nor a message */
    CS_IMPORT_NO_USER,       /* value: the name that nobody has */
    CS_IMPORT_TAKEN,         /* an id of it is something else's, or somebody else's */
    CS_IMPORT_REFUSED,       /* value: the SQLSTATE */
    CS_IMPORT_CUT            /* the file ends within it */
} cs_import_problem_e;

typedef struct {
    long line;
    cs_import_problem_e kind;
    const char *value; /* as it stands in the file, perhaps; NULL: nothing more to say */
} cs_import_problem_t;

typedef struct {
    long line;
    const char *id, *user;        /* as the line says */
    const char *text;             /* the line */
    apr_array_header_t *messages; /* of const char *: the lines of its messages */
} cs_import_conversation_t;

typedef struct {
    apr_array_header_t *conversations; /* of cs_import_conversation_t */
    apr_array_header_t *problems;      /* of cs_import_problem_t */
    long problem_count;
    long first, line;  /* the numbers of the first line, and of the last one that was added */
    apr_size_t octets; /* of what is kept */
    bool open;         /* messages of the last conversation may follow */
    bool ended;        /* the last line that was added is an export's end */
    apr_pool_t *pool;
    apr_pool_t *line_pool; /* of one line */
} cs_import_piece_t;

/** A piece in pool, whose first line has that number. */
cs_import_piece_t *cs_import_piece_make(long first, apr_pool_t *pool);

/** The next line. APR_EAGAIN: it begins a conversation, and the piece has limit octets (0: no limit) already: it was
 * not taken, store the piece and give the line to the next one. */
apr_status_t cs_import_piece_add(cs_import_piece_t *piece, const char *text, apr_size_t len,
                                 apr_size_t limit) CS_MUSTCHECK;

/** The same for all lines of text. */
void cs_import_piece_add_all(cs_import_piece_t *piece, const char *text, apr_size_t len);

/** Something is wrong with the line of that number; value is copied. */
void cs_import_piece_complain(cs_import_piece_t *piece, long line, cs_import_problem_e kind, const char *value);

/** The file is over: without an end, its last conversation may lack messages and is left out. */
void cs_import_piece_finish(cs_import_piece_t *piece);

/** A problem's name for programs, and its sentence for people, without the number of the line. */
const char *cs_import_problem_name(cs_import_problem_e kind);
const char *cs_import_problem_text(const cs_import_problem_t *problem, apr_pool_t *pool);

#endif
