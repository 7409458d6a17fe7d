/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_VERSION_H
#define CS_VERSION_H
/** The version of the module and of chatsessionctl (CHANGELOG.md). */
#define CS_VERSION "1.0.0"
#endif
