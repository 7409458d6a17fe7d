# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What the tests stand on: a real PostgreSQL, a real httpd, a client, a browser. The fixtures are in conftest.py."""
