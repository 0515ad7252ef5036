#!/bin/sh
# Makes the passwords of the Compose stack: secrets/<name>, one value a file. What exists is kept.
#
# The folder is closed to others. The files in it are readable, because Compose mounts them with
# their owner and mode, and the containers run as another user.
set -eu
folder=${1:-"$(dirname "$0")/../secrets"}
mkdir -p "$folder"
chmod 700 "$folder"

write() {
    [ -e "$folder/$1" ] || printf '%s\n' "$2" >"$folder/$1"
    chmod 444 "$folder/$1"
}

password() {
    head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'
}

write valkey_password "$(password)"
write redis_url "redis://:$(cat "$folder/valkey_password")@valkey:6379/0"
write flower_password "$(password)"
write gateway_secret "$(password)"
echo "The secrets are in $folder."
