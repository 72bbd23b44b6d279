"""What can be wrong with an account or its credential.

AccountError
├── UnknownAccount      no account of this name or id
├── UnusableAccount     a name, pod or limit that cannot be
├── NameTaken           another account has this name
├── CredentialRefused   Insightly answered 401 to the key
├── InsightlySilent     nothing answered at the address
└── VaultError
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
    """Another account has this name already."""


class CredentialRefused(AccountError):
    """Insightly does not take the key."""


class InsightlySilent(AccountError):
    """Nothing answered at the account's address."""


class VaultError(AccountError):
    """A sealed credential cannot be opened."""


class MasterKeyMissing(VaultError):
    """A credential was sealed with a master key that is not given now."""


class SealBroken(VaultError):
    """The sealed bytes were altered, or belong to another account or field."""
