// River as an adapter: a request is a line of JSON on stdin, its answer a line on stdout that begins with "@@".
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

type request struct {
	What    string `json:"what"`
	Mode    string `json:"mode"`
	Callers int    `json:"callers"`
	Count   int    `json:"count"`
}

type reply map[string]any

type noop struct {
	Data string `json:"data"`
}

func (noop) Kind() string { return "noop" }

// handler counts jobs, and says when each began if somebody listens.
type handler struct {
	river.WorkerDefaults[noop]
	handled atomic.Int64
	began   chan time.Time
}

func (h *handler) Work(context.Context, *river.Job[noop]) error {
	h.handled.Add(1)
	select {
	case h.began <- time.Now():
	default:
	}
	return nil
}

type adapter struct {
	pool     *pgxpool.Pool
	producer *river.Client[pgx.Tx]
	handler  *handler
	waiting  *river.Client[pgx.Tx]
}

var ctx = context.Background()
var job = noop{Data: strings.Repeat("x", 1000)}

func percentiles(latencies []float64) (p50, p99 float64) {
	slices.Sort(latencies)
	at := func(share float64) float64 {
		return latencies[min(len(latencies)-1, int(float64(len(latencies))*share))]
	}
	return at(0.5), at(0.99)
}

func ms(since time.Time) float64 { return time.Since(since).Seconds() * 1000 }

func (a *adapter) setup() (reply, error) {
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, err
	}
	config.MaxConns = 16
	if a.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(a.pool), nil)
	if err != nil {
		return nil, err
	}
	if _, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	a.producer, err = river.NewClient(riverpgxv5.New(a.pool), &river.Config{})
	return reply{}, err
}

// start lets so many jobs be worked on at once. River fetches in sets, at most every 100 ms unless told otherwise.
func (a *adapter) start(workers int) (*river.Client[pgx.Tx], error) {
	all := river.NewWorkers()
	river.AddWorker(all, a.handler)
	client, err := river.NewClient(riverpgxv5.New(a.pool), &river.Config{
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
		Workers:           all,
		Logger:            slog.New(slog.NewTextHandler(io.Discard, nil)),
		FetchCooldown:     2 * time.Millisecond,
		FetchPollInterval: time.Second,
	})
	if err != nil {
		return nil, err
	}
	return client, client.Start(ctx)
}

func (a *adapter) unfinished() (count int, err error) {
	const text = "select count(*) from river_job where state in ('available', 'running')"
	err = a.pool.QueryRow(ctx, text).Scan(&count)
	return
}

func (a *adapter) add(r request) (reply, error) {
	latencies := make([]float64, r.Count)
	failures := make(chan error, r.Callers)
	var next atomic.Int64
	var callers sync.WaitGroup
	started := time.Now()
	for range r.Callers {
		callers.Go(func() {
			for i := int(next.Add(1)) - 1; i < r.Count; i = int(next.Add(1)) - 1 {
				sent := time.Now()
				if _, err := a.producer.Insert(ctx, job, nil); err != nil {
					failures <- err
					return
				}
				latencies[i] = ms(sent)
			}
		})
	}
	callers.Wait()
	seconds := time.Since(started).Seconds()
	if len(failures) > 0 {
		return nil, <-failures
	}
	p50, p99 := percentiles(latencies)
	return reply{"count": r.Count, "seconds": seconds, "p50": p50, "p99": p99}, nil
}

func (a *adapter) addAll(r request) (reply, error) {
	all := make([]river.InsertManyParams, r.Count)
	for i := range all {
		all[i].Args = job
	}
	started := time.Now()
	_, err := a.producer.InsertManyFast(ctx, all)
	return reply{"count": r.Count, "seconds": time.Since(started).Seconds()}, err
}

func (a *adapter) work(r request) (reply, error) {
	before, err := a.unfinished()
	if err != nil {
		return nil, err
	}
	workers := map[string]int{"single": 16, "batch": 2000}[r.Mode]
	a.handler.handled.Store(0)
	started := time.Now()
	working, err := a.start(workers)
	if err != nil {
		return nil, err
	}
	for a.handler.handled.Load() < int64(r.Count) {
		time.Sleep(3 * time.Millisecond)
	}
	for left := before; left > before-r.Count; {
		time.Sleep(3 * time.Millisecond)
		if left, err = a.unfinished(); err != nil {
			return nil, err
		}
	}
	seconds := time.Since(started).Seconds()
	return reply{"count": r.Count, "seconds": seconds}, working.Stop(ctx)
}

func (a *adapter) wait() (reply, error) {
	var err error
	a.waiting, err = a.start(1)
	time.Sleep(time.Second)
	return reply{}, err
}

func (a *adapter) starts(r request) (reply, error) {
	latencies := make([]float64, 0, r.Count)
	for range r.Count {
		sent := time.Now()
		if _, err := a.producer.Insert(ctx, job, nil); err != nil {
			return nil, err
		}
		latencies = append(latencies, (<-a.handler.began).Sub(sent).Seconds()*1000)
		time.Sleep(time.Duration(30+rand.Intn(40)) * time.Millisecond)
	}
	p50, p99 := percentiles(latencies)
	return reply{"count": r.Count, "p50": p50, "p99": p99}, nil
}

func (a *adapter) answer(r request) (reply, error) {
	switch r.What {
	case "setup":
		return a.setup()
	case "add":
		return a.add(r)
	case "addAll":
		return a.addAll(r)
	case "work":
		return a.work(r)
	case "wait":
		return a.wait()
	case "starts":
		return a.starts(r)
	case "rest":
		return reply{}, a.waiting.Stop(ctx)
	}
	return reply{"isMissing": true}, nil
}

func main() {
	a := &adapter{handler: &handler{began: make(chan time.Time, 1)}}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r request
		said, err := reply{}, json.Unmarshal(lines.Bytes(), &r)
		if err == nil {
			said, err = a.answer(r)
		}
		if err != nil {
			said = reply{"error": err.Error()}
		}
		text, _ := json.Marshal(said)
		fmt.Println("@@" + string(text))
	}
}
