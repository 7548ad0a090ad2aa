// Create a task, claim it, give it artifacts, resolve it, find it by its index, trigger a hook; then every service.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/taskcluster/slugid-go/slugid"
	tcclient "github.com/taskcluster/taskcluster/v106/clients/client-go"
	"github.com/taskcluster/taskcluster/v106/clients/client-go/tcauth"
	"github.com/taskcluster/taskcluster/v106/clients/client-go/tchooks"
	"github.com/taskcluster/taskcluster/v106/clients/client-go/tcindex"
	"github.com/taskcluster/taskcluster/v106/clients/client-go/tcnotify"
	"github.com/taskcluster/taskcluster/v106/clients/client-go/tcobject"
	"github.com/taskcluster/taskcluster/v106/clients/client-go/tcpurgecache"
	"github.com/taskcluster/taskcluster/v106/clients/client-go/tcqueue"
	"github.com/taskcluster/taskcluster/v106/clients/client-go/tcsecrets"
	"github.com/taskcluster/taskcluster/v106/clients/client-go/tcworkermanager"
)

const taskQueueID = "journeys/go"

var rootURL = tcclient.RootURLFromEnvVars()

// must ends the program where a call failed.
func must[T any](value T, err error) T {
	done(err)
	return value
}

func done(err error) {
	if err != nil {
		panic(err)
	}
}

func check(isSo bool, what string, facts ...any) {
	if !isSo {
		panic(fmt.Sprint(what, ": ", fmt.Sprint(facts...)))
	}
}

func in(span time.Duration) tcclient.Time {
	return tcclient.Time(time.Now().Add(span))
}

func asJSON(value any) json.RawMessage {
	return must(json.Marshal(value))
}

func aTask(routes ...string) *tcqueue.TaskDefinitionRequest {
	return &tcqueue.TaskDefinitionRequest{
		TaskQueueID: taskQueueID,
		Created:     in(0),
		Deadline:    in(time.Hour),
		Expires:     in(24 * time.Hour),
		Routes:      routes,
		Payload:     asJSON(map[string]any{"command": []string{"true"}}),
		Metadata: tcqueue.TaskMetadata{
			Name:        "a task",
			Description: "Driven by the Go client",
			Owner:       "nobody@example.com",
			Source:      "https://example.com/",
		},
	}
}

func credentialsOf(lent tcqueue.TaskCredentials) *tcclient.Credentials {
	return &tcclient.Credentials{
		ClientID:    lent.ClientID,
		AccessToken: lent.AccessToken,
		Certificate: lent.Certificate,
	}
}

// claimOne claims the next task; it answers the claim, and a client with the credentials of its run.
func claimOne(queue *tcqueue.Queue) (tcqueue.TaskClaim, *tcqueue.Queue) {
	wanted := tcqueue.ClaimWorkRequest{WorkerGroup: "go", WorkerID: "one", Tasks: 1}
	claimed := must(queue.ClaimWork(taskQueueID, &wanted)).Tasks
	check(len(claimed) == 1, "claimed", len(claimed))
	return claimed[0], tcqueue.New(credentialsOf(claimed[0].Credentials), rootURL)
}

func createArtifact(worker *tcqueue.Queue, taskID, name, storageType string, answer any) {
	wanted := tcqueue.PostArtifactRequest(asJSON(map[string]any{
		"storageType": storageType,
		"contentType": "text/plain",
		"expires":     in(30 * time.Minute),
	}))
	created := must(worker.CreateArtifact(taskID, "0", name, &wanted))
	done(json.Unmarshal(*created, answer))
}

func uploadByURL(worker *tcqueue.Queue, taskID, name string, content []byte) {
	var target tcqueue.S3ArtifactResponse
	createArtifact(worker, taskID, name, "s3", &target)
	request := must(http.NewRequest(http.MethodPut, target.PutURL, bytes.NewReader(content)))
	request.Header.Set("Content-Type", "text/plain")
	reply := must(http.DefaultClient.Do(request))
	check(reply.StatusCode == 200, "put", reply.Status)
}

func uploadAsObject(worker *tcqueue.Queue, taskID, name string, content []byte) {
	var target tcqueue.ObjectArtifactResponse
	createArtifact(worker, taskID, name, "object", &target)
	object := tcobject.New(credentialsOf(tcqueue.TaskCredentials(target.Credentials)), rootURL)
	expires := time.Time(target.Expires)
	done(object.UploadFromBuf(target.ProjectID, target.Name, "text/plain", expires, target.UploadID, content))
	done(worker.FinishArtifact(taskID, "0", name, &tcqueue.FinishArtifactRequest{UploadID: target.UploadID}))
}

func read(url string) (int, string) {
	reply := must(http.Get(url))
	defer reply.Body.Close()
	return reply.StatusCode, string(must(io.ReadAll(reply.Body)))
}

func driveATask() {
	queue := tcqueue.NewFromEnv()
	taskID := slugid.Nice()
	must(queue.CreateTask(taskID, aTask("index.journeys.go.latest")))
	claim, worker := claimOne(queue)
	check(claim.Status.TaskID == taskID, "claimed", claim.Status.TaskID)
	reclaim := must(worker.ReclaimTask(taskID, "0"))
	worker = tcqueue.New(credentialsOf(reclaim.Credentials), rootURL)

	contents := map[string][]byte{
		"public/signed.txt": []byte("by URL"),
		"public/small.txt":  []byte("small"),
		"private/large.txt": bytes.Repeat([]byte("large "), 20_000),
	}
	uploadByURL(worker, taskID, "public/signed.txt", contents["public/signed.txt"])
	uploadAsObject(worker, taskID, "public/small.txt", contents["public/small.txt"])
	uploadAsObject(worker, taskID, "private/large.txt", contents["private/large.txt"])
	resolved := must(worker.ReportCompleted(taskID, "0"))
	check(resolved.Status.State == "completed", "state", resolved.Status.State)

	for name, content := range contents {
		for _, run := range []int64{0, -1} {
			found, contentType, length, err := queue.DownloadArtifactToBuf(taskID, run, name)
			done(err)
			check(bytes.Equal(found, content) && length == int64(len(content)), name, length)
			check(contentType == "text/plain", name, contentType)
		}
	}
	names := listedArtifacts(queue, taskID)
	check(len(names) == len(contents), "artifacts", names)
	readSigned(taskID, string(contents["private/large.txt"]))
	findByIndex(taskID)
}

func listedArtifacts(queue *tcqueue.Queue, taskID string) (names []string) {
	token := ""
	for {
		page := must(queue.ListArtifacts(taskID, "0", token, "1"))
		for _, artifact := range page.Artifacts {
			names = append(names, artifact.Name)
		}
		if token = page.ContinuationToken; token == "" {
			return names
		}
	}
}

// readSigned reads by URLs that hold the right to: a client's, and of somebody who was lent that right only.
func readSigned(taskID, content string) {
	own := tcclient.CredentialsFromEnvVars()
	lent := must(own.CreateNamedTemporaryCredentials("journeys/go", time.Hour, "queue:get-artifact:private/large.txt"))
	for _, credentials := range []*tcclient.Credentials{own, lent} {
		queue := tcqueue.New(credentials, rootURL)
		url := must(queue.GetLatestArtifact_SignedURL(taskID, "private/large.txt", time.Minute))
		status, text := read(url.String())
		check(status == 200 && text == content, "signed", status)
	}
	_, err := tcqueue.New(lent, rootURL).CancelTask(taskID)
	check(err != nil, "a right that was not lent")
}

func findByIndex(taskID string) {
	index := tcindex.New(nil, rootURL)
	index.Authenticate = false
	found, err := index.FindTask("journeys.go.latest")
	// What follows from messages is there some moments later.
	for tries := 0; err != nil && tries < 300; tries++ {
		time.Sleep(50 * time.Millisecond)
		found, err = index.FindTask("journeys.go.latest")
	}
	done(err)
	check(found.TaskID == taskID, "found", found.TaskID)
	url := must(tcindex.NewFromEnv().FindArtifactFromTask_SignedURL("journeys.go.latest", "public/small.txt", time.Minute))
	status, text := read(url.String())
	check(status == 200 && text == "small", "by index", status)
}

func triggerAHook() {
	queue, hooks := tcqueue.NewFromEnv(), tchooks.NewFromEnv()
	must(tcauth.NewFromEnv().CreateRole("hook-id:journeys/go", &tcauth.CreateRoleRequest{
		Description: "What the hook may do",
		Scopes: []string{
			"queue:create-task:lowest:" + taskQueueID,
			"queue:create-task:project:none",
			"queue:scheduler-id:*",
		},
	}))
	must(hooks.CreateHook("journeys", "go", &tchooks.HookCreationRequest{
		Metadata:      tchooks.HookMetadata{Name: "a hook", Description: "Makes a task", Owner: "nobody@example.com"},
		TriggerSchema: asJSON(map[string]string{"type": "object"}),
		Task: asJSON(map[string]any{
			"taskQueueId": taskQueueID,
			"payload":     map[string]any{"command": []any{"echo", map[string]string{"$eval": "payload.word"}}},
			"metadata": map[string]string{
				"name": "by a hook", "description": "", "owner": "nobody@example.com", "source": "https://example.com/",
			},
		}),
	}))
	payload := tchooks.TriggerHookRequest(asJSON(map[string]string{"word": "hello"}))
	var fired struct{ TaskID string }
	done(json.Unmarshal(*must(hooks.TriggerHook("journeys", "go", &payload)), &fired))
	claim, worker := claimOne(queue)
	check(claim.Status.TaskID == fired.TaskID, "by the hook", claim.Status.TaskID)
	must(worker.ReportCompleted(fired.TaskID, "0"))
	fires := must(hooks.ListLastFires("journeys", "go", "", "")).LastFires
	check(len(fires) == 1 && fires[0].TaskID == fired.TaskID, "fires", fires)
	done(hooks.RemoveHook("journeys", "go"))
}

func visitServices() {
	auth := tcauth.NewFromEnv()
	client := tcauth.CreateClientRequest{Expires: in(time.Hour), Scopes: []string{"auth:current-scopes"}}
	created := must(auth.CreateClient("journeys/go-client", &client))
	itself := &tcclient.Credentials{ClientID: created.ClientID, AccessToken: created.AccessToken}
	held := must(tcauth.New(itself, rootURL).CurrentScopes())
	check(slices.Contains(held.Scopes, "auth:current-scopes"), "scopes", held.Scopes)
	done(auth.DeleteClient("journeys/go-client"))

	done(tcnotify.NewFromEnv().Pulse(&tcnotify.PostPulseMessageRequest{
		RoutingKey: "journeys.go",
		Message:    asJSON(map[string]string{"a": "message"}),
	}))

	manager := tcworkermanager.NewFromEnv()
	must(manager.CreateWorkerPool("journeys/go-pool", &tcworkermanager.WorkerPoolDefinition{
		ProviderID: "static",
		Owner:      "nobody@example.com",
		Config:     asJSON(struct{}{}),
	}))
	must(manager.DeleteWorkerPool("journeys/go-pool"))

	secrets := tcsecrets.NewFromEnv()
	secret := tcsecrets.Secret{Expires: in(time.Hour), Secret: asJSON(map[string]string{"word": "hush"})}
	done(secrets.Set("journeys/go", &secret))
	kept := must(secrets.Get("journeys/go"))
	var content struct{ Word string }
	done(json.Unmarshal(kept.Secret, &content))
	check(content.Word == "hush", "secret", string(kept.Secret))
	done(secrets.Remove("journeys/go"))

	caches := tcpurgecache.NewFromEnv()
	done(caches.PurgeCache(taskQueueID, &tcpurgecache.PurgeCacheRequest{CacheName: "a-cache"}))
	requests := must(caches.PurgeRequests(taskQueueID, "")).Requests
	check(len(requests) == 1 && requests[0].CacheName == "a-cache", "purges", requests)

	for name, ping := range map[string]func() error{
		"auth":           auth.Ping,
		"hooks":          tchooks.NewFromEnv().Ping,
		"index":          tcindex.NewFromEnv().Ping,
		"notify":         tcnotify.NewFromEnv().Ping,
		"object":         tcobject.NewFromEnv().Ping,
		"purge-cache":    caches.Ping,
		"queue":          tcqueue.NewFromEnv().Ping,
		"secrets":        secrets.Ping,
		"worker-manager": manager.Ping,
	} {
		check(ping() == nil, "ping", name)
	}
}

func main() {
	driveATask()
	triggerAHook()
	visitServices()
	fmt.Fprintln(os.Stderr, "done")
}
