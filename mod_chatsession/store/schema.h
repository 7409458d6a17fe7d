/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SCHEMA_H
#define CS_SCHEMA_H
/*
 * The schema's steps: files NNN_name.sql, applied in order and forward only, each in one transaction together with its
 * row in chatsession.schema_steps. A step that was applied is never edited: its file's SHA-256 is recorded and
 * compared. roles.sql, which changes nothing when run again, goes before the first step of each run.
 *
 * Two runs at the same time are kept apart by an advisory lock of each transaction, so the second one finds the first
 * one's work done.
 */
#include "store/db.h"

/** The step that this software was made for. */
#define CS_SCHEMA_STEP 33

typedef enum {
    CS_SCHEMA_APPLIED,
    CS_SCHEMA_PENDING, /* a file, but not yet in the database */
    CS_SCHEMA_CHANGED, /* applied, and the file is another one now, or is missing */
    CS_SCHEMA_NEWER    /* in the database, and past the last file */
} cs_schema_state_e;

typedef struct {
    int number;
    const char *name; /* the file's, such as 001_people.sql */
    cs_schema_state_e state;
    const char *applied_at; /* NULL unless it is in the database */
} cs_schema_step_t;

/** Called for each step: by apply once it is committed, by status for all of them. */
typedef void cs_schema_step_cb(void *baton, const cs_schema_step_t *step);

/**
 * Bring the database to the last step in dir. CS_EREFUSED when it holds a step that is newer than the files or whose
 * file has changed, or when dir does not hold the steps; other statuses as in db.h. *problem is a sentence in pool on
 * each failure. What a call applied before it failed stays. Wants the rights of a superuser, or of a member of
 * chatsession_owner once the roles exist.
 */
apr_status_t cs_schema_apply(cs_db_t *db, const char *dir, cs_schema_step_cb *step, void *baton, const char **problem,
                             apr_pool_t *pool) CS_MUSTCHECK;

/** Compare the database with dir, changing nothing. Statuses as for cs_schema_apply. */
apr_status_t cs_schema_status(cs_db_t *db, const char *dir, cs_schema_step_cb *step, void *baton, const char **problem,
                              apr_pool_t *pool) CS_MUSTCHECK;

/** Is the database at CS_SCHEMA_STEP? CS_EREFUSED and a sentence in *problem when it is not; other statuses as in db.h.
 * Needs no files and no rights but the module's. */
apr_status_t cs_schema_check(const char **problem, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

#endif
