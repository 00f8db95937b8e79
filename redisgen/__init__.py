"""Kubernetes manifests of a highly available Redis, from a small values file."""

__version__ = "0.1.0"
