/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "guest.h"
#include <http_log.h>
#include "chat.h"
#include "login.h"
#include "reply.h"
#include "store/session.h"

APLOG_USE_MODULE(chatsession);

bool chatsession_guests_may_come(const chatsession_call_t *call)
{
    return chatsession_number(call->conf, CHATSESSION_GUESTS) > 0 && !call->session->skipped &&
           chatsession_dir(call->r)->trust_user != 1;
}

int chatsession_guest_begin(chatsession_call_t *call)
{
    const int most = (int)chatsession_number(call->conf, CHATSESSION_GUESTS);
    const char *id;
    apr_status_t rv = cs_guest_create(&id, call->conf->db, chatsession_network(call->r), most, call->r->pool);

    if (rv == APR_SUCCESS && !id) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0314: a guest was refused: the network has made %d", most);
        apr_table_setn(call->r->err_headers_out, "Retry-After", "3600");
        return chatsession_reply_error(call->r, HTTP_TOO_MANY_REQUESTS, "too_many_guests",
                                       "Too many guests came from your network within the hour; log in, or try later.");
    }
    if (rv == APR_SUCCESS) {
        rv = chatsession_session_begin(&call->session, call->r, id);
    }
    return rv == APR_SUCCESS ? DECLINED : chatsession_reply_status(call->r, rv);
}

int chatsession_post_guest(chatsession_call_t *call)
{
    int rv;

    if (!chatsession_guests_may_come(call)) {
        return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "forbidden", "Nobody chats here without logging in.");
    }
    rv = call->session->access >= CHATSESSION_GUEST ? DECLINED : chatsession_guest_begin(call);
    return rv == DECLINED ? chatsession_get_session(call) : rv;
}
