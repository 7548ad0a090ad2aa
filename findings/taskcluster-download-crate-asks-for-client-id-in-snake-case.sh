#!/usr/bin/env bash
# taskcluster-download 114.0.0 (crates.io), with taskcluster 114.0.0
#
# The queue's methods `artifact` and `latestArtifact` answer for an artifact in the object service with credentials to read it.
# The published schema (queue/v1/artifact-content-response, object-credentials) names them `clientId` and `accessToken`, as every
# service does, and the npm and PyPI clients read these. The crate's download_artifact_to_vec, _to_buf and _to_file look for
# `client_id` and `access_token`, so an answer as published is an error and no object artifact can be downloaded that way; the
# crate's own tests use the other names, too. Artifacts of the types `s3` and `reference` are fine. What helps: call `artifact`,
# make the credentials from the answer, and give the object's name to download_to_vec.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"

# Answers as a queue does, on a free port of this machine: what the schema asks for, then the same in the crate's names.
cat >queue.mjs <<'JS'
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';

const credentials = {
  published: { clientId: 'reader', accessToken: 'secret-of-the-reader' },
  snake: { client_id: 'reader', access_token: 'secret-of-the-reader' },
};
const server = createServer((request, response) => {
  const isQueue = request.url.startsWith('/api/queue/');
  const names = request.url.endsWith('published') ? 'published' : 'snake';
  const body = isQueue ? { storageType: 'object', name: 'an-object', credentials: credentials[names] } : { message: 'no such object' };
  response.writeHead(isQueue ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
});
server.listen(0, '127.0.0.1', () => writeFileSync('port', String(server.address().port)));
JS
node queue.mjs &
server=$!
until [ -s port ]; do sleep 0.1; done

mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "seen"
version = "0.0.0"
edition = "2021"

[dependencies]
taskcluster = "=114.0.0"
taskcluster-download = "=114.0.0"
tokio = { version = "1", features = ["macros", "rt-multi-thread"] }

[profile.dev]
debug = 0
incremental = false
TOML
cat >src/main.rs <<'RUST'
use taskcluster::{retry::Retry, ClientBuilder, Queue};
use taskcluster_download::download_artifact_to_vec;

#[tokio::main]
async fn main() {
    let root_url = std::env::args().nth(1).expect("a root URL");
    let queue = Queue::new(ClientBuilder::new(&root_url)).expect("a client");
    let once = Retry { retries: 0, ..Retry::default() };
    for name in ["published", "snake"] {
        let outcome = download_artifact_to_vec("fN1SbArXTPSVFNUvaOlinQ", Some("0"), name, &once, &queue).await;
        let error = outcome.expect_err("the server has no objects");
        let seen = format!("{error:#}");
        let asked = if seen.contains("404") { "the object service was asked" } else { &seen };
        println!("{name}: {asked}");
    }
}
RUST
cargo build --quiet
./target/debug/seen "http://127.0.0.1:$(cat port)" | tee seen
diff seen - <<'WANTED'
published: artifact.credentials property client_id not found
snake: the object service was asked
WANTED
