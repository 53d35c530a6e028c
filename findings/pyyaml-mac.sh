#!/bin/sh
# A MAC address without quotes, in PyYAML
#
# Versions:  PyYAML 6.0.3.
# Expected:  `mac: 52:54:00:12:34:56` is a text, as it is for parsers of YAML 1.2.
# Happens:   it is a number: YAML 1.1 reads digits between colons to the base of 60. One with a letter, or with a pair above 59,
#            is a text, so that it depends on the address.
# Hurts:     52:54:00 is what QEMU and libvirt begin their addresses with. A template that is written with one address and tested
#            with it breaks with the next, or a NIC gets a MAC of twelve decimal digits.
set -eu
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
cd "$there"
python3 -m venv v
v/bin/pip -q --disable-pip-version-check install --retries 0 pyyaml==6.0.3
for mac in 52:54:00:12:34:56 52:54:00:12:34:66 52:54:00:1a:34:56 00:16:3e:12:34:56; do
  echo "mac: $mac" | v/bin/python -c 'import sys, yaml; print(repr(yaml.safe_load(sys.stdin)["mac"]))'
done >seen
cat seen
cat >expected <<'END'
41135085296
'52:54:00:12:34:66'
'52:54:00:1a:34:56'
'00:16:3e:12:34:56'
END
diff expected seen
