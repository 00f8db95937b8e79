"""The rendered manifests and documents on a real cluster: `make e2e`."""
