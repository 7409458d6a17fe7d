/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_GUEST_H
#define CHATSESSION_GUEST_H
/* Who chats without logging in: a guest has a user's row of its own, to which the browser's cookie alone leads. */
#include "route.h"

/** Whether who asks may become a guest: ChatSessionGuests lets visitors in, and nothing but our cookie says who asks.
 */
bool chatsession_guests_may_come(const chatsession_call_t *call);

/** Make who asks a guest, with a session that call->session is from then on. DECLINED, or what was answered: 429
 * too_many_guests when the network has made its number of this hour. Only where chatsession_guests_may_come. */
int chatsession_guest_begin(chatsession_call_t *call);

#endif
