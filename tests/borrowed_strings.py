"""What Django and allauth say on our pages: gathered into our catalogues where theirs lack a language."""

# Templates of allauth that we use as they are; the others are ours, or no page of ours leads there.
ALLAUTH_TEMPLATES = (
    "account/password_change.html",
    "account/password_set.html",
    "account/password_reset_from_key.html",
    "account/messages/password_changed.txt",
    "account/messages/password_set.txt",
    "mfa/webauthn/reauthenticate.html",
    "mfa/messages/recovery_codes_generated.txt",
    "mfa/messages/totp_activated.txt",
    "mfa/messages/totp_deactivated.txt",
    "mfa/messages/webauthn_added.txt",
    "mfa/messages/webauthn_removed.txt",
)
_ALLAUTH = """
Email
Email address
Password
Password (again)
Current Password
New Password
New Password (again)
Forgot your password?
Code
Authenticator code
Use your password
Use authenticator app or code
Use a security key
This account is currently inactive.
The email address and/or password you specified are not correct.
Please type your current password.
Incorrect code.
Incorrect password.
Invalid login.
The password reset token was invalid.
The new value must be different from the current one.
Be patient, you are sending too many requests.
You must type the same password each time.
"""
_DJANGO = """
This field is required.
Enter a valid value.
Enter a valid email address.
Enter a valid URL.
Enter a whole number.
Enter a number.
Enter a valid date.
Enter a valid time.
Enter a valid date/time.
Null characters are not allowed.
Select a valid choice. %(value)s is not one of the available choices.
Select a valid choice. That choice is not one of the available choices.
Ensure this value is less than or equal to %(limit_value)s.
Ensure this value is greater than or equal to %(limit_value)s.
No file was submitted. Check the encoding type on the form.
The submitted file is empty.
The password is too similar to the %(verbose_name)s.
Your password can’t be too similar to your other personal information.
This password is too common.
Your password can’t be a commonly used password.
yes,no,maybe
noon
midnight
p.m.
a.m.
PM
AM
Monday
Tuesday
Wednesday
Thursday
Friday
Saturday
Sunday
Mon
Tue
Wed
Thu
Fri
Sat
Sun
January
February
March
April
May
June
July
August
September
October
November
December
"""
_CONTEXTS = {
    "abbrev. month": "Jan. Feb. March April May June July Aug. Sept. Oct. Nov. Dec.",
    "alt. month": "January February March April May June July August September October November December",
}
_COUNTED = (
    (
        "Ensure this value has at least %(limit_value)d character (it has %(show_value)d).",
        "Ensure this value has at least %(limit_value)d characters (it has %(show_value)d).",
    ),
    (
        "Ensure this value has at most %(limit_value)d character (it has %(show_value)d).",
        "Ensure this value has at most %(limit_value)d characters (it has %(show_value)d).",
    ),
    (
        "Ensure that there are no more than %(max)s digit in total.",
        "Ensure that there are no more than %(max)s digits in total.",
    ),
    (
        "Ensure that there are no more than %(max)s decimal place.",
        "Ensure that there are no more than %(max)s decimal places.",
    ),
    (
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
    (
        "Your password must contain at least %(min_length)d character.",
        "Your password must contain at least %(min_length)d characters.",
    ),
    *((f"%(num)d {unit}", f"%(num)d {unit}s") for unit in ("year", "month", "week", "day", "hour", "minute")),
)
BORROWED: tuple[tuple[str, str | None, str | None], ...] = (
    *((text, None, None) for text in (_ALLAUTH + _DJANGO).strip().splitlines() if text),
    *((text, context, None) for context, texts in _CONTEXTS.items() for text in texts.split()),
    *((text, None, plural) for text, plural in _COUNTED),
)
