/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SWEEP_H
#define CHATSESSION_SWEEP_H
/*
 * What happens by the clock, in mod_watchdog's thread of each child: answers of dead writers are interrupted, due
 * conversations purged, old sessions deleted. Each statement takes a batch and skips rows that another child or host is
 * at, so nobody need agree who sweeps, and no killed child is missed: a singleton's takeover takes ten seconds.
 */
#include <httpd.h>

/** Hook post_config: ask mod_watchdog for ticks. */
int chatsession_sweep_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** At child start, before mod_watchdog's threads: no sweep outlives pchild. */
apr_status_t chatsession_sweep_init(apr_pool_t *pchild);

#endif
