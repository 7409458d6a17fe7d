/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Every call the console makes, one function each: the operators' part of docs/api.md. */

import { api, apiUrl } from '../shared/api.js';

/** A list page or a search may take the server's full time limit for statements; a count over everything longer still. */
const LONG = 120000;

/** Who is logged in. @returns {Promise<Object>} */
export const getSession = () => api.get('api/session');
/** Log in, anew too. @param {string} username @param {string} password @returns {Promise<Object>} */
export const logIn = (username, password) => api.post('api/login', { username, password });
/** Log out. @returns {Promise<null>} */
export const logout = () => api.post('api/logout');
/** The figures of Home. @param {AbortSignal} signal @returns {Promise<Object>} */
export const getOverview = (signal) => api.get('api/overview', null, { signal });
/** The configuration as it counts. @param {AbortSignal} signal @returns {Promise<Object>} */
export const getSettings = (signal) => api.get('api/settings', null, { signal });
/** Saved views, mine and shared ones. @param {AbortSignal} signal @returns {Promise<{views: Object[]}>} */
export const listViews = (signal) => api.get('api/views', null, { signal });
/** Save a view, or replace mine of that name. @param {{name: string, query: string, shared: boolean}} view @returns {Promise<Object>} */
export const saveView = (view) => api.post('api/views', view);
/** Delete a view of mine. @param {string} id @returns {Promise<null>} */
export const deleteView = (id) => api.del(`api/views/${encodeURIComponent(id)}`);
/** A page of conversations. @param {Object} query the filter, `after` and `limit` @param {AbortSignal} signal @returns {Promise<Object>} */
export const listConversations = (query, signal) => api.get('api/conversations', query, { signal, timeout: LONG });
/** One conversation with its messages. @param {string} id @param {string} reason @param {AbortSignal} signal @returns {Promise<Object>} */
export const getConversation = (id, reason, signal) =>
  api.get(`api/conversations/${encodeURIComponent(id)}`, { reason }, { signal, timeout: LONG });
/** A page of what users said of answers. @param {Object} query the filter, `after` and `limit` @param {AbortSignal} signal @returns {Promise<Object>} */
export const listFeedback = (query, signal) => api.get('api/feedback', query, { signal, timeout: LONG });
/** How many would be expired. @param {{ids: string[]}|{filter: Object}} target @param {AbortSignal} signal @returns {Promise<Object>} */
export const countExpiry = (target, signal) =>
  api.post('api/conversations/expire', { ...target, dry_run: true }, { signal, timeout: LONG });
/** Expire as many as were counted. @param {{ids: string[]}|{filter: Object}} target @param {number} conversations @returns {Promise<Object>} */
export const expire = (target, conversations) =>
  api.post('api/conversations/expire', { ...target, dry_run: false, confirm: { conversations } }, { timeout: LONG });
/** A page of matters. @param {Object} query `state`, `after` and `limit` @param {AbortSignal} [signal] @returns {Promise<Object>} */
export const listMatters = (query, signal) => api.get('api/matters', query, { signal });
/** One matter with what it holds. @param {string} id @param {AbortSignal} signal @returns {Promise<Object>} */
export const getMatter = (id, signal) => api.get(`api/matters/${encodeURIComponent(id)}`, null, { signal });
/** Make a matter. @param {Object} matter `name`, `reason`, `users`, `ids` or `filter` @returns {Promise<Object>} */
export const createMatter = (matter) => api.post('api/matters', matter, { timeout: LONG });
/** Put more into a matter. @param {string} id @param {Object} what `users`, `ids` or `filter` @returns {Promise<Object>} */
export const holdIn = (id, what) => api.post(`api/matters/${encodeURIComponent(id)}/hold`, what, { timeout: LONG });
/** Release a matter. @param {string} id @param {string} reason @returns {Promise<Object>} */
export const releaseMatter = (id, reason) => api.post(`api/matters/${encodeURIComponent(id)}/release`, { reason });
/** Put tags on and take others off. @param {string[]} ids @param {string[]} add @param {string[]} remove @returns {Promise<Object>} */
export const tagConversations = (ids, add, remove) => api.post('api/conversations/tag', { ids, add, remove });
/** Why a conversation is kept. @param {string} id @param {AbortSignal} signal @returns {Promise<Object>} */
export const explainRetention = (id, signal) => api.get(`api/conversations/${encodeURIComponent(id)}/retention`, null, { signal });
/** The retention rules. @param {AbortSignal} signal @returns {Promise<Object>} */
export const getRetention = (signal) => api.get('api/retention', null, { signal });
/** What a run would take after a change. @param {Object|null} rule @param {string|null} replaces @returns {Promise<Object>} */
export const previewRetention = (rule, replaces) => api.post('api/retention', { rule, replaces, dry_run: true }, { timeout: LONG });
/** Change the rules as counted. @param {{rule: Object|null, replaces: string|null}} change @param {number} conversations @returns {Promise<Object>} */
export const changeRetention = (change, conversations) =>
  api.post('api/retention', { ...change, dry_run: false, confirm: { conversations } }, { timeout: LONG });
/** Run the rules now. @returns {Promise<{job: Object}>} */
export const runRetention = () => api.post('api/retention/run');
/** A page of jobs. @param {Object} query `kind`, `after` and `limit` @param {AbortSignal} signal @returns {Promise<Object>} */
export const listJobs = (query, signal) => api.get('api/jobs', query, { signal });
/** One job. @param {string} id @param {AbortSignal} [signal] @returns {Promise<Object>} */
export const getJob = (id, signal) => api.get(`api/jobs/${encodeURIComponent(id)}`, null, { signal });
/** No further batch of a job. @param {string} id @returns {Promise<Object>} */
export const cancelJob = (id) => api.post(`api/jobs/${encodeURIComponent(id)}/cancel`);
/** Back from the trash. @param {string[]} ids @returns {Promise<Object>} */
export const restore = (ids) => api.post('api/conversations/restore', { ids }, { timeout: LONG });
/** The address of an export in one step. @param {Object} query the list's filter @returns {string} */
export const exportUrl = (query) => apiUrl('api/export', { format: 'ndjson', ...query });
/** Ask for an export. @param {Object} what `ids` or `filter`, `format`, `compress` @returns {Promise<{export: Object, link: string}>} */
export const createExport = (what) => api.post('api/exports', what, { timeout: LONG });
/** A page of exports. @param {Object} query `after` and `limit` @param {AbortSignal} signal @returns {Promise<Object>} */
export const listExports = (query, signal) => api.get('api/exports', query, { signal });
/** One export. @param {string} id @param {AbortSignal} [signal] @returns {Promise<Object>} */
export const getExport = (id, signal) => api.get(`api/exports/${encodeURIComponent(id)}`, null, { signal });
/** Break an export off. @param {string} id @returns {Promise<Object>} */
export const cancelExport = (id) => api.post(`api/exports/${encodeURIComponent(id)}/cancel`);
/** A link to the rest of an export that was cut. @param {string} id @param {number} octets that are there @returns {Promise<{export: Object, link: string}>} */
export const linkExport = (id, octets) => api.post(`api/exports/${encodeURIComponent(id)}/link`, { octets });
/** The address of an export's manifest. @param {string} id @returns {string} */
export const manifestUrl = (id) => apiUrl(`api/exports/${encodeURIComponent(id)}/manifest`);
/** Lines of an export, back into the database. @param {Object} piece `lines`, `user`, `dry_run`, `first_line`, `complete` @param {AbortSignal} signal @returns {Promise<Object>} */
export const importLines = (piece, signal) => api.post('api/import', piece, { signal, timeout: LONG });
/** A page of users. @param {Object} query `q`, `role`, `state`, `after` and `limit` @param {AbortSignal} signal @returns {Promise<Object>} */
export const listUsers = (query, signal) => api.get('api/users', query, { signal });
/** One user with the sessions. @param {string} name @param {AbortSignal} signal @returns {Promise<Object>} */
export const getUser = (name, signal) => api.get(userPath(name), null, { signal });
/**
 * Make a user, with an invitation or a random password.
 * @param {string} name @param {string} role @param {boolean} invite
 * @returns {Promise<{name: string, role: string, password?: string, invitation?: {token: string, path: string|null}}>}
 */
export const createUser = (name, role, invite) => api.post('api/users', { name, role, invite });
/** Invite one who is there. @param {string} name @returns {Promise<{invitation: {token: string, path: string|null}}>} */
export const inviteUser = (name) => api.post(`${userPath(name)}/invitation`);
/** Another role or state. @param {string} name @param {{role?: string, disabled?: boolean}} change @returns {Promise<Object>} */
export const changeUser = (name, change) => api.patch(userPath(name), change);
/** What an erasure of a user would take. @param {string} name @returns {Promise<Object>} */
export const previewErasure = (name) => api.post(`${userPath(name)}/erase`, { dry_run: true }, { timeout: LONG });
/** Erase a user as shown. @param {string} name @param {{id: string, conversations: number, messages: number, reason?: string}} deed @returns {Promise<Object>} */
export const eraseUser = (name, deed) => api.post(`${userPath(name)}/erase`, deed, { timeout: LONG });
/** The address of all that is here of a user. @param {string} name @returns {string} */
export const archiveUrl = (name) => apiUrl(`${userPath(name)}/archive`);
/** The address of an erasure's certificate. @param {string} id @returns {string} */
export const certificateUrl = (id) => apiUrl(`api/erasures/${encodeURIComponent(id)}`);
/** A new password. @param {string} name @returns {Promise<{password: string}>} */
export const resetPassword = (name) => api.post(`${userPath(name)}/password`);
/** Take another's second factor away. @param {string} name @returns {Promise<null>} */
export const resetSecondFactor = (name) => api.post(`${userPath(name)}/second-factor/reset`);
/** End all sessions of a user. @param {string} name @returns {Promise<{sessions: number}>} */
export const endUserSessions = (name) => api.post(`${userPath(name)}/sessions/revoke`);
/** All sessions. @param {AbortSignal} signal @returns {Promise<Object>} */
export const listSessions = (signal) => api.get('api/sessions', null, { signal });
/** End sessions. @param {string[]} refs @returns {Promise<Object>} */
export const revokeSessions = (refs) => api.post('api/sessions/revoke', { refs });
/** Is the audit log's chain whole? @returns {Promise<Object>} */
export const verifyAudit = () => api.get('api/audit/verify', null, { timeout: LONG });
/** The address of the audit log as a file. @param {Object} query the filter @returns {string} */
export const auditExportUrl = (query) => apiUrl('api/audit/export', query);
/** A page of the audit log. @param {Object} query the filter, `after` and `limit` @param {AbortSignal} signal @returns {Promise<Object>} */
export const listAudit = (query, signal) => api.get('api/audit', query, { signal });

function userPath(name) {
  return `api/users/${encodeURIComponent(name)}`;
}
