# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Faults on purpose, and the ledger that watches; dev/faults runs them."""
