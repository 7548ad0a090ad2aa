//! Create a task, claim it, give it artifacts, resolve it, find it by its index, trigger a hook.
//!
//! Driven by the crates taskcluster, taskcluster-upload and taskcluster-download.

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use taskcluster::chrono::{DateTime, TimeDelta, Utc};
use taskcluster::{
    Auth, ClientBuilder, Credentials, Hooks, Index, Object, Queue, Retry, err_status_code,
};
use taskcluster_download::{download_artifact_to_vec, download_to_vec};
use taskcluster_upload::upload_from_buf;

const TASK_QUEUE_ID: &str = "journeys/rust";
const INDEX_PATH: &str = "journeys.rust.latest";

/// The platform, from the variables that all clients know.
fn site(credentials: Credentials) -> ClientBuilder {
    let root_url = std::env::var("TASKCLUSTER_ROOT_URL").expect("TASKCLUSTER_ROOT_URL");
    ClientBuilder::new(root_url).credentials(credentials)
}

fn root() -> ClientBuilder {
    site(Credentials::from_env().expect("credentials in the environment"))
}

fn after(span: TimeDelta) -> DateTime<Utc> {
    Utc::now() + span
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.ok_or_else(|| anyhow!("no text at {pointer} of {value}"))
}

fn a_task(routes: &[String]) -> Value {
    json!({
        "taskQueueId": TASK_QUEUE_ID,
        "created": Utc::now(),
        "deadline": after(TimeDelta::hours(1)),
        "expires": after(TimeDelta::days(1)),
        "routes": routes,
        "payload": { "command": ["true"] },
        "metadata": {
            "name": "a task",
            "description": "Driven by the Rust client",
            "owner": "nobody@example.com",
            "source": "https://example.com/",
        },
    })
}

/// The credentials that a reply holds at a place.
fn credentials_in(reply: &Value, pointer: &str) -> Result<Credentials> {
    let lent = reply.pointer(pointer).context("no credentials")?;
    let [client_id, access_token] = [text(lent, "/clientId")?, text(lent, "/accessToken")?];
    Ok(match lent.get("certificate").and_then(Value::as_str) {
        Some(certificate) => {
            Credentials::new_with_certificate(client_id, access_token, certificate)
        }
        None => Credentials::new(client_id, access_token),
    })
}

/// Claims the next task; returns the claim, and a client with the credentials of its run.
async fn claim_one(queue: &Queue) -> Result<(Value, Queue)> {
    let wanted = json!({ "workerGroup": "rust", "workerId": "one", "tasks": 1 });
    let claimed = queue.claimWork(TASK_QUEUE_ID, &wanted).await?;
    let claim = claimed
        .pointer("/tasks/0")
        .context("nothing to claim")?
        .clone();
    let worker = Queue::new(site(credentials_in(&claim, "/credentials")?))?;
    Ok((claim, worker))
}

async fn create_artifact(
    worker: &Queue,
    task_id: &str,
    name: &str,
    storage_type: &str,
) -> Result<Value> {
    let expires = after(TimeDelta::minutes(30));
    let wanted =
        json!({ "storageType": storage_type, "contentType": "text/plain", "expires": expires });
    worker.createArtifact(task_id, "0", name, &wanted).await
}

async fn upload_by_url(worker: &Queue, task_id: &str, name: &str, content: &[u8]) -> Result<()> {
    let target = create_artifact(worker, task_id, name, "s3").await?;
    let put = reqwest::Client::new().put(text(&target, "/putUrl")?);
    put.header("content-type", "text/plain")
        .body(content.to_vec())
        .send()
        .await?
        .error_for_status()?;
    Ok(())
}

async fn upload_as_object(worker: &Queue, task_id: &str, name: &str, content: &[u8]) -> Result<()> {
    let target = create_artifact(worker, task_id, name, "object").await?;
    let objects = Object::new(site(credentials_in(&target, "/credentials")?))?;
    let [project_id, object, upload_id] = [
        text(&target, "/projectId")?,
        text(&target, "/name")?,
        text(&target, "/uploadId")?,
    ];
    let expires = text(&target, "/expires")?.parse()?;
    let retry = Retry::default();
    upload_from_buf(
        project_id,
        object,
        "text/plain",
        &expires,
        content,
        &retry,
        &objects,
        upload_id,
    )
    .await?;
    worker
        .finishArtifact(task_id, "0", name, &json!({ "uploadId": upload_id }))
        .await
}

async fn drive_a_task() -> Result<()> {
    let queue = Queue::new(root())?;
    let task_id = slugid::v4();
    queue
        .createTask(&task_id, &a_task(&[format!("index.{INDEX_PATH}")]))
        .await?;
    let (claim, worker) = claim_one(&queue).await?;
    ensure!(
        text(&claim, "/status/taskId")? == task_id,
        "another task was claimed"
    );
    let reclaim = worker.reclaimTask(&task_id, "0").await?;
    let worker = Queue::new(site(credentials_in(&reclaim, "/credentials")?))?;

    let large = b"large ".repeat(20_000);
    let contents: [(&str, &[u8]); 3] = [
        ("public/signed.txt", b"by URL"),
        ("public/small.txt", b"small"),
        ("private/large.txt", &large),
    ];
    upload_by_url(&worker, &task_id, contents[0].0, contents[0].1).await?;
    for (name, content) in &contents[1..] {
        upload_as_object(&worker, &task_id, name, content).await?;
    }
    let resolved = worker.reportCompleted(&task_id, "0").await?;
    ensure!(
        text(&resolved, "/status/state")? == "completed",
        "{resolved}"
    );

    for (name, content) in contents {
        for run in [Some("0"), None] {
            let (found, content_type) = download(&queue, &task_id, run, name).await?;
            ensure!(
                found == content && content_type == "text/plain",
                "{name} is another: {content_type}"
            );
        }
    }
    ensure!(
        artifacts_of(&queue, &task_id).await? == 3,
        "not all artifacts are listed"
    );
    signed_urls(&task_id, &large).await?;
    found_by_index(&task_id).await
}

/// Downloads an artifact. Of those that are objects the crate looks for credentials under names that no platform gives
/// them (`client_id`), so the object itself is asked for.
async fn download(
    queue: &Queue,
    task_id: &str,
    run: Option<&str>,
    name: &str,
) -> Result<(Vec<u8>, String)> {
    let retry = Retry::default();
    let artifact = match run {
        Some(run) => queue.artifact(task_id, run, name).await?,
        None => queue.latestArtifact(task_id, name).await?,
    };
    if text(&artifact, "/storageType")? != "object" {
        return download_artifact_to_vec(task_id, run, name, &retry, queue).await;
    }
    let objects = Object::new(site(credentials_in(&artifact, "/credentials")?))?;
    download_to_vec(text(&artifact, "/name")?, &retry, &objects).await
}

/// How many artifacts the run has. The crate does not sign queries, so with credentials there is no asking for pages.
async fn artifacts_of(queue: &Queue, task_id: &str) -> Result<usize> {
    let page = queue.listArtifacts(task_id, "0", None, None).await?;
    ensure!(page.get("continuationToken").is_none(), "{page}");
    Ok(page["artifacts"].as_array().context("no artifacts")?.len())
}

/// URLs that hold the right to read, of a client and of one that was lent this right only.
async fn signed_urls(task_id: &str, content: &[u8]) -> Result<()> {
    let name = "private/large.txt";
    let scopes = ["queue:get-artifact:private/large.txt"];
    let hour = Duration::from_secs(3600);
    let lent =
        Credentials::from_env()?.create_named_temp_creds("journeys/rust-lent", hour, scopes)?;
    for client in [root(), site(lent.clone()), root().authorized_scopes(scopes)] {
        let url = Queue::new(client)?.getLatestArtifact_signed_url(task_id, name, hour)?;
        let found = reqwest::get(&url)
            .await?
            .error_for_status()?
            .bytes()
            .await?;
        ensure!(found == content, "another content by {url}");
        let status = reqwest::get(url.replace("large", "other")).await?.status();
        ensure!(status == 401, "{status} for a URL that was changed");
    }
    let refused = Queue::new(site(lent))?
        .cancelTask(task_id)
        .await
        .expect_err("a call beyond its scopes");
    ensure!(
        err_status_code(&refused).is_some_and(|status| status == 403),
        "{refused}"
    );
    Ok(())
}

/// What follows from messages is there some moments later.
async fn found_by_index(task_id: &str) -> Result<()> {
    let index = Index::new(root())?;
    for _ in 0..300 {
        if let Ok(entry) = index.findTask(INDEX_PATH).await
            && text(&entry, "/taskId")? == task_id
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(anyhow!("{task_id} is not at {INDEX_PATH}"))
}

async fn trigger_a_hook() -> Result<()> {
    let (hooks, queue) = (Hooks::new(root())?, Queue::new(root())?);
    let scopes = [
        format!("queue:create-task:lowest:{TASK_QUEUE_ID}"),
        "queue:create-task:project:none".to_owned(),
        "queue:scheduler-id:*".to_owned(),
    ];
    let role = json!({ "description": "What the hook may do", "scopes": scopes });
    Auth::new(root())?
        .createRole("hook-id:journeys/rust", &role)
        .await?;
    let task = a_task(&[]);
    let hook = json!({
        "metadata": { "name": "a hook", "description": "Makes a task", "owner": "nobody@example.com" },
        "triggerSchema": { "type": "object" },
        "task": {
            "taskQueueId": TASK_QUEUE_ID,
            "metadata": task["metadata"],
            "payload": { "command": ["echo", { "$eval": "payload.word" }] },
        },
    });
    hooks.createHook("journeys", "rust", &hook).await?;
    let fired = hooks
        .triggerHook("journeys", "rust", &json!({ "word": "hello" }))
        .await?;
    let task_id = text(&fired, "/taskId")?;
    let (claim, worker) = claim_one(&queue).await?;
    ensure!(
        text(&claim, "/status/taskId")? == task_id,
        "another task was claimed"
    );
    ensure!(
        text(&claim, "/task/payload/command/1")? == "hello",
        "{claim}"
    );
    worker.reportCompleted(task_id, "0").await?;
    let fires = hooks.listLastFires("journeys", "rust", None, None).await?;
    ensure!(
        text(&fires, "/lastFires/0/taskState")? == "completed",
        "{fires}"
    );
    hooks.removeHook("journeys", "rust").await
}

/// An object that belongs to no task.
async fn keep_an_object() -> Result<()> {
    let objects = Object::new(root())?;
    let (name, retry) = ("journeys/rust/an object", Retry::default());
    let expires = after(TimeDelta::hours(1));
    upload_from_buf(
        "journeys",
        name,
        "text/x-odd",
        &expires,
        b"kept",
        &retry,
        &objects,
        &slugid::v4(),
    )
    .await?;
    let (found, content_type) = download_to_vec(name, &retry, &objects).await?;
    ensure!(
        found == b"kept" && content_type == "text/x-odd",
        "{content_type}"
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    drive_a_task().await.context("a task")?;
    trigger_a_hook().await.context("a hook")?;
    keep_an_object().await.context("an object")?;
    println!("done");
    Ok(())
}
