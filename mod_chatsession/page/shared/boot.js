/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Classic script in <head>: sets the remembered theme before the first paint, so that a dark page never flashes white. */
(function () {
  'use strict';
  try {
    var theme = localStorage.getItem('chatsession.theme');
    if (theme === 'light' || theme === 'dark') {
      document.documentElement.dataset.theme = theme;
    }
  } catch (error) {
    /* Without storage the system's theme applies. */
  }
})();
