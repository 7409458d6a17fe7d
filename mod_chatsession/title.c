/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "title.h"
#include <http_log.h>
#include <apr_strings.h>
#include "backend.h"
#include "core/json.h"
#include "core/utf8.h"
#include "prompt.h"
#include "stream.h"

APLOG_USE_MODULE(chatsession);

/* Of the question and of the answer; the beginning says what it is about. */
#define POINTS 2000
#define MAX_TOKENS 200

static const char instruction[] =
    "Give this conversation a title of at most six words, in the language of its first message. Answer with the title "
    "alone: no quotation marks, no full stop, no explanation.";

bool chatsession_title_prepare(chatsession_turn_t *turn)
{
    if (chatsession_number(turn->conf, CHATSESSION_TITLE) != CHATSESSION_TITLE_MODEL) {
        return false;
    }
    if (turn->r->proto_num < HTTP_VERSION(2, 0)) {
        apr_table_setn(turn->r->headers_out, "Connection", "close");
    }
    return true;
}

static const char *beginning(const char *text, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, text, cs_utf8_prefix(text, strlen(text), POINTS));
}

static apr_status_t build_body(chatsession_turn_t *asking, const chatsession_turn_t *turn)
{
    apr_pool_t *pool = turn->r->pool;
    json_t *params = cs_json_own(json_pack("{s:i,s:i}", "max_tokens", MAX_TOKENS, "temperature", 0), pool);
    const cs_prompt_options_t options = {.model = turn->backend->model, .stream = true, .params = params};
    cs_prompt_t *prompt = cs_prompt_create(pool);
    cs_db_result_t *rows;
    apr_status_t rv = cs_turn_history(&rows, turn->conf->db, turn->message_id, pool);

    if (rv != APR_SUCCESS || !cs_db_rows(rows)) {
        return rv == APR_SUCCESS ? APR_ENOENT : rv;
    }
    cs_prompt_add(prompt, "user", beginning(cs_db_text(rows, 0, 1, NULL), pool));
    cs_prompt_add(prompt, "assistant", beginning(cs_text_get(turn->text), pool));
    cs_prompt_add(prompt, "user", instruction);
    return chatsession_prompt_write(asking, prompt, &options);
}

/* What models put around a title all the same. */
static const char *clean(const char *text, apr_pool_t *pool)
{
    char *line = apr_pstrdup(pool, text + strspn(text, " \t\r\n\"'#*"));
    size_t len;

    line[strcspn(line, "\r\n")] = '\0';
    for (len = strlen(line); len && strchr(" \t\"'.*", line[len - 1]); len--) {
        line[len - 1] = '\0';
    }
    return line;
}

/* A turn of which nobody hears and that no row knows. */
static chatsession_turn_t *create_asking(const chatsession_turn_t *turn)
{
    chatsession_turn_t *asking = apr_pcalloc(turn->r->pool, sizeof(*asking));

    asking->r = turn->r;
    asking->browser = turn->browser;
    asking->conf = turn->conf;
    asking->backend = turn->backend;
    asking->answer_id = apr_pstrcat(turn->r->pool, turn->answer_id, " (its title)", NULL);
    asking->conversation_id = turn->conversation_id;
    asking->state = CHATSESSION_TURN_RUNNING;
    asking->client_gone = true;
    asking->client_ended = turn->client_ended;
    asking->text = cs_text_create(turn->r->pool);
    asking->usage = cs_text_create(turn->r->pool);
    asking->extra = cs_extra_create(turn->r->pool);
    return asking;
}

void chatsession_title_make(chatsession_turn_t *turn)
{
    chatsession_turn_t *asking;
    const char *title;
    apr_status_t rv;

    chatsession_stream_end(turn);
    asking = create_asking(turn);
    rv = cs_completion_reader_create(&asking->reader, turn->r->pool);
    if (rv == APR_SUCCESS) {
        rv = build_body(asking, turn);
    }
    if (rv != APR_SUCCESS) {
        return;
    }
    chatsession_backend_ask(asking);
    title = clean(cs_text_get(asking->text), turn->r->pool);
    if (asking->state == CHATSESSION_TURN_COMPLETE && *title) {
        rv = cs_conversation_title(turn->conf->db, turn->user_id, turn->message_id, title, turn->r->pool);
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, rv, turn->r, "CS0202: turn %s: asked the model for a title",
                  turn->answer_id);
}
