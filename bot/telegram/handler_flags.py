"""Flags of handlers, which the middleware of the allowance reads."""

from typing import Final

#: The request withdraws or deletes something or gives consent: such requests have an allowance of their own.
CHANGES_DATA: Final = {"changes_data": True}

#: The handler takes photos, which have an admission of their own.
HAS_ADMISSION: Final = {"has_admission": True}
