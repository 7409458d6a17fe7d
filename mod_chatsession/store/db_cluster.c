/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/db_cluster.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <libpq-fe.h>
#include <string.h>

/* The one database that every cluster has, for asking which others there are. */
#define ANY_DATABASE "postgres"

/* libpq's words in one line, without the end of the last one. */
static const char *one_line(const char *message, apr_pool_t *pool)
{
    char *line = apr_pstrdup(pool, message);
    size_t len = strlen(line);

    while (len && apr_isspace(line[len - 1])) {
        line[--len] = '\0';
    }
    for (char *c = line; *c; c++) {
        *c = *c == '\n' || *c == '\t' ? ' ' : *c;
    }
    return line;
}

/* An open connection, or NULL and why not. */
static PGconn *open_connection(const char *conninfo, const char **problem, apr_pool_t *pool)
{
    PGconn *connection;

    if (!cs_db_conninfo_value(conninfo, "connect_timeout", pool)) {
        conninfo = cs_db_conninfo_with(conninfo, "connect_timeout", "5", pool);
    }
    connection = PQconnectdb(conninfo);
    *problem = NULL;
    if (PQstatus(connection) != CONNECTION_OK) {
        *problem = one_line(PQerrorMessage(connection), pool);
        PQfinish(connection);
        return NULL;
    }
    return connection;
}

apr_status_t cs_db_try(const char *conninfo, const char **problem, apr_pool_t *pool)
{
    PGconn *connection = open_connection(conninfo, problem, pool);

    PQfinish(connection);
    return connection ? APR_SUCCESS : CS_EUNAVAILABLE;
}

/* Run sql, which is ours; true when it did. */
static bool run(PGconn *connection, const char *sql, const char **problem, apr_pool_t *pool)
{
    PGresult *result = PQexec(connection, sql);
    const bool done = PQresultStatus(result) == PGRES_COMMAND_OK;

    if (!done) {
        *problem = one_line(PQerrorMessage(connection), pool);
    }
    PQclear(result);
    return done;
}

static bool is_there(PGconn *connection, const char *name)
{
    const char *values[] = {name};
    PGresult *result =
        PQexecParams(connection, "SELECT 1 FROM pg_database WHERE datname = $1", 1, NULL, values, NULL, NULL, 0);
    const bool found = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;

    PQclear(result);
    return found;
}

apr_status_t cs_db_make_database(bool *made, const char *conninfo, const char **problem, apr_pool_t *pool)
{
    const char *name = cs_db_conninfo_value(conninfo, "dbname", pool);
    PGconn *connection;
    char *identifier;
    bool done = true;

    *made = false;
    if (cs_db_try(conninfo, problem, pool) == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    connection = open_connection(cs_db_conninfo_with(conninfo, "dbname", ANY_DATABASE, pool), problem, pool);
    if (!connection) {
        return CS_EREFUSED;
    }
    if (!is_there(connection, name)) {
        identifier = PQescapeIdentifier(connection, name, strlen(name));
        done = run(connection,
                   apr_pstrcat(pool, "CREATE DATABASE ", identifier, " TEMPLATE template0 ENCODING 'UTF8'", NULL),
                   problem, pool);
        *made = done;
        PQfreemem(identifier);
    }
    PQfinish(connection);
    return done ? cs_db_try(conninfo, problem, pool) : CS_EREFUSED;
}

apr_status_t cs_db_set_role_password(const char *conninfo, const char *role, const char *password, const char **problem,
                                     apr_pool_t *pool)
{
    PGconn *connection = open_connection(conninfo, problem, pool);
    char *hashed, *literal, *identifier;
    bool done = false;

    if (!connection) {
        return CS_EREFUSED;
    }
    hashed = PQencryptPasswordConn(connection, password, role, "scram-sha-256");
    literal = hashed ? PQescapeLiteral(connection, hashed, strlen(hashed)) : NULL;
    identifier = PQescapeIdentifier(connection, role, strlen(role));
    if (literal && identifier) {
        done =
            run(connection, apr_pstrcat(pool, "ALTER ROLE ", identifier, " PASSWORD ", literal, NULL), problem, pool);
    } else {
        *problem = one_line(PQerrorMessage(connection), pool);
    }
    PQfreemem(hashed);
    PQfreemem(literal);
    PQfreemem(identifier);
    PQfinish(connection);
    return done ? APR_SUCCESS : CS_EREFUSED;
}
