/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_PROMPTTEMPLATE_H
#define CS_PROMPTTEMPLATE_H
/*
 * How a family of models wants a history as one text, and how its answer is read: the names of the roles, what stands
 * between them, what is written otherwise on the way in and out, and the texts at which an answer ends. The text is
 *
 *     begin  system role_end TEXT message_end  requester role_end TEXT message_end  …  responder last_role_end
 *
 * for the model to go on from. Two families are known by name; others are built option by option.
 */
#include <apr_pools.h>
#include <stdbool.h>
#include "core/status.h"

#define CS_TEMPLATE_STOPS 8
#define CS_TEMPLATE_REPLACEMENTS 8
#define CS_TEMPLATE_OCTETS 256 /* of one of its texts */

typedef struct {
    const char *from, *to; /* from is never empty */
} cs_replacement_t;

typedef struct {
    const char *name;
    const char *begin;  /* before everything; like all texts here "" rather than NULL */
    const char *system; /* role of the system text; "": it stands without role and role_end */
    const char *requester, *responder;
    const char *role_end;                                  /* between a role and its text */
    const char *last_role_end;                             /* after the role that the model goes on from */
    const char *message_end;                               /* between messages */
    const char *stops[CS_TEMPLATE_STOPS + 1];              /* these three end with NULL */
    cs_replacement_t input[CS_TEMPLATE_REPLACEMENTS + 1];  /* in the texts that are sent */
    cs_replacement_t output[CS_TEMPLATE_REPLACEMENTS + 1]; /* in the answer */
} cs_prompt_template_t;

/** "redpajama" or "rinna"; NULL for any other name. */
const cs_prompt_template_t *cs_prompt_template_builtin(const char *name);

/** A template of that name that has only the roles "User" and "Assistant", ": " and line ends. Pool owns all of it. */
cs_prompt_template_t *cs_prompt_template_create(const char *name, apr_pool_t *pool);

/**
 * Set what "NAME=VALUE" says: begin, system, requester, responder, role-end, last-role-end, message-end, and, once for
 * each, stop=TEXT, input=FROM=>TO, output=FROM=>TO. In a value \n \t \\ are a line's end, a tab and a backslash.
 * last-role-end follows role-end until it is set itself. CS_EREFUSED with a sentence in *problem.
 */
apr_status_t cs_prompt_template_set(cs_prompt_template_t *template, const char *option, const char **problem,
                                    apr_pool_t *pool) CS_MUSTCHECK;

#endif
