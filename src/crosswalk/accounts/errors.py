"""What can be wrong with an account or its credential.

AccountError
├── UnknownAccount      no account of this name or id
├── UnusableAccount     a name, pod or limit that cannot be
├── NameTaken           another account, or token, has this name
├── CredentialRefused   Insightly answered 401 to the key
├── InsightlySilent     nothing answered at the address
├── OtherInstance       a key of another instance than the account's was to take its place
├── UnusableLink        a link token that cannot be made as asked
├── UnknownLink         no link token of this text
├── LinkEnded           a link token that was used, has expired, or has had its tries
├── UnknownToken        no token of this name or id, or not one that the caller may see
├── UnusableToken       a name, scope, account or expiry that a token cannot have
│   ├── UnusableScope   a scope that cannot be read
│   └── MoreThanAllowed a token was to be made that can do more than its maker
└── VaultError
    ├── KeyMissing        an account has no key
    ├── MasterKeyMissing  sealed with a master key that is not given now
    └── SealBroken        the sealed bytes are not what was sealed for this account and field
"""


class AccountError(Exception):
    """An account cannot be linked or used as asked."""


class UnknownAccount(AccountError):
    """No account has this name or id."""


class UnusableAccount(AccountError):
    """A name or limit that an account cannot have."""


class NameTaken(AccountError):
    """Another account, or token, has this name already."""


class CredentialRefused(AccountError):
    """Insightly does not take the key."""


class InsightlySilent(AccountError):
    """Nothing answered at the account's address."""


class OtherInstance(AccountError):
    """The key belongs to another Insightly instance than the account."""


class UnusableLink(AccountError):
    """A link token cannot be made as asked."""


class UnknownLink(AccountError):
    """No link token has this text."""


class LinkEnded(AccountError):
    """A link token was used, has expired, or has had its tries."""


class UnknownToken(AccountError):
    """No token has this name or id."""


class UnusableToken(AccountError):
    """A name, scope, account or expiry that a token cannot have."""


class UnusableScope(UnusableToken):
    """A scope that cannot be read."""


class MoreThanAllowed(UnusableToken):
    """A token was to be made that can do more than the one that makes it."""


class VaultError(AccountError):
    """A sealed credential cannot be opened."""


class KeyMissing(VaultError):
    """An account has no key: it was lost, or never arrived here."""


class MasterKeyMissing(VaultError):
    """A credential was sealed with a master key that is not given now."""


class SealBroken(VaultError):
    """The sealed bytes were altered, or belong to another account or field."""
