/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * What each operator's role may do. The server decides; this table only keeps the page from showing what the
 * server would refuse.
 */

const RANK = { user: 0, viewer: 1, auditor: 2, operator: 3, admin: 4 };

/** All roles, each with all that the one before it may. */
export const ROLES = Object.freeze(Object.keys(RANK));

/* The lowest role that may do each thing; one row per capability. */
const NEEDS = {
  enter: 'viewer',
  readContent: 'auditor',
  searchContent: 'auditor',
  readAudit: 'auditor',
  expire: 'operator',
  hold: 'operator',
  readMatters: 'auditor',
  manageRetention: 'admin',
  export: 'operator',
  import: 'operator',
  sessions: 'operator',
  manageUsers: 'admin',
  readSettings: 'admin',
  saveViews: 'auditor',
};

/**
 * May this role do that?
 * @param {string} role a role name as the API gives it
 * @param {keyof typeof NEEDS} capability a row of the table above
 * @returns {boolean} false for a role this page does not know
 */
export function may(role, capability) {
  return (RANK[role] ?? -1) >= RANK[NEEDS[capability]];
}
