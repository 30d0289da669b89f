"""Static files under names that carry their hash, compressed once when they are collected."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Brotli costs half a minute for a few kilobytes less: worth it on a production host, not on the first run."""

    def create_compressor(self, **kwargs: Any) -> Compressor:
        """gzip everywhere, and brotli in production."""
        return Compressor(**kwargs, use_brotli=settings.PRODUCTION)
