# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""An authenticator app: codes of RFC 6238 out of the secret that a page shows."""
import base64
import hashlib
import hmac
import struct
import time

STEP = 30


def code(secret, steps=0, now=None):
    """The code of base32 secret at the present step, or so many steps later."""
    counter = int((time.time() if now is None else now) // STEP) + steps
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", counter), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def wrong_code(secret):
    """Six digits that are no code of these minutes."""
    near = {code(secret, steps) for steps in range(-4, 9)}
    return next(digits for digits in (f"{n:06}" for n in range(100)) if digits not in near)
