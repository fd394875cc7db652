// A load generator that costs little beside what it measures: requests are written beforehand, an answer is read no
// further than needed. It speaks to 127.0.0.1 only, sends each request once and stops at a deadline.
//
//	load -port 3007 -connections 64 -requests FILE -seconds 60
//	load -port 8443 -tls sol.atendeai.local -rate 1000 -connections 200 -requests FILE -answers FILE -seconds 60
//
// With -rate, each request has its moment, and its time counts from there: one that had to wait for a free connection
// has waited. -answers gets the status of each request, in their order, 0 for one that had none.
//
// FILE holds requests, each behind its length (4 bytes, little endian). It prints one JSON object.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

type report struct {
	Requests   int            `json:"requests"`
	Answered   int            `json:"answered"`
	Seconds    float64        `json:"seconds"`
	Throughput float64        `json:"throughput"`
	P50        float64        `json:"p50_ms"`
	P95        float64        `json:"p95_ms"`
	P99        float64        `json:"p99_ms"`
	Longest    float64        `json:"max_ms"`
	Bytes      int            `json:"bytes"`
	Statuses   map[string]int `json:"statuses"`
}

type worker struct {
	times    []time.Duration
	statuses map[int]int
	bytes    int
	failure  error
}

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1")
	connections := flag.Int("connections", 64, "connections, each with one request at a time")
	file := flag.String("requests", "", "the requests")
	seconds := flag.Float64("seconds", 60, "when to stop at the latest")
	rate := flag.Float64("rate", 0, "requests a second; 0: as many as the connections carry")
	name := flag.String("tls", "", "speak TLS, asking for this name")
	answers := flag.String("answers", "", "where the statuses go")
	flag.Parse()
	requests, err := read(*file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	load := &load{port: *port, name: *name, rate: *rate, requests: requests, statuses: make([]int, len(requests))}
	result, err := load.run(*connections, time.Duration(*seconds*float64(time.Second)))
	if err == nil && *answers != "" {
		err = load.write(*answers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(result)
}

func read(name string) ([][]byte, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var requests [][]byte
	for len(content) >= 4 {
		size := int(binary.LittleEndian.Uint32(content))
		if size > len(content)-4 {
			return nil, fmt.Errorf("%s: a request is cut off", name)
		}
		requests = append(requests, content[4:4+size])
		content = content[4+size:]
	}
	if len(requests) == 0 {
		return nil, fmt.Errorf("%s: no requests", name)
	}
	return requests, nil
}

type load struct {
	port     int
	name     string
	rate     float64
	requests [][]byte
	statuses []int
}

func (l *load) write(name string) error {
	var lines bytes.Buffer
	for _, status := range l.statuses {
		fmt.Fprintln(&lines, status)
	}
	return os.WriteFile(name, lines.Bytes(), 0o644)
}

func (l *load) dial(deadline time.Time) (net.Conn, error) {
	connection, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", l.port))
	if err != nil {
		return nil, err
	}
	_ = connection.SetDeadline(deadline)
	if l.name != "" {
		// The certificate is the stack's own, on loopback.
		connection = tls.Client(connection, &tls.Config{ServerName: l.name, InsecureSkipVerify: true})
	}
	return connection, nil
}

func (l *load) run(connections int, limit time.Duration) (*report, error) {
	var next atomic.Int64
	workers := make([]worker, connections)
	var ready, done sync.WaitGroup
	begin := make(chan time.Time, connections)
	deadline := time.Now().Add(limit + 10*time.Second)
	for i := range workers {
		w := &workers[i]
		w.statuses = map[int]int{}
		w.times = make([]time.Duration, 0, len(l.requests)/connections*2)
		connection, err := l.dial(deadline)
		if err != nil {
			return nil, err
		}
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			defer func() { connection.Close() }()
			reader := bufio.NewReaderSize(connection, 32<<10)
			ready.Done()
			started := <-begin
			stop := started.Add(limit)
			for {
				n := next.Add(1) - 1
				if n >= int64(len(l.requests)) || time.Now().After(stop) {
					return
				}
				sent := time.Now()
				if l.rate > 0 {
					sent = started.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
					time.Sleep(time.Until(sent))
				}
				status, size, err := 0, 0, error(nil)
				if _, err = connection.Write(l.requests[n]); err == nil {
					status, size, err = answer(reader)
				}
				if err != nil && l.rate == 0 {
					w.failure = err
					return
				}
				if err != nil { // at a fixed rate it is counted, and the next one gets a connection of its own
					connection.Close()
					if connection, w.failure = l.dial(deadline); w.failure != nil {
						return
					}
					reader.Reset(connection)
				}
				l.statuses[n] = status
				w.times = append(w.times, time.Since(sent))
				w.statuses[status]++
				w.bytes += size
			}
		}()
	}
	ready.Wait()
	started := time.Now()
	for range workers {
		begin <- started
	}
	done.Wait()
	return total(workers, len(l.requests), time.Since(started))
}

func total(workers []worker, requests int, took time.Duration) (*report, error) {
	result := &report{Requests: requests, Seconds: took.Seconds(), Statuses: map[string]int{}}
	var times []time.Duration
	for i := range workers {
		if workers[i].failure != nil {
			return nil, fmt.Errorf("a connection failed: %w", workers[i].failure)
		}
		times = append(times, workers[i].times...)
		result.Bytes += workers[i].bytes
		for status, count := range workers[i].statuses {
			result.Statuses[strconv.Itoa(status)] += count
		}
	}
	sort.Slice(times, func(a, b int) bool { return times[a] < times[b] })
	result.Answered = len(times)
	if len(times) == 0 {
		return result, nil
	}
	at := func(share float64) float64 {
		return float64(times[min(len(times)-1, int(share*float64(len(times))))].Microseconds()) / 1000
	}
	result.Throughput = float64(len(times)) / took.Seconds()
	result.P50, result.P95, result.P99, result.Longest = at(0.50), at(0.95), at(0.99), at(1)
	return result, nil
}

var (
	lengthHeader  = []byte("content-length:")
	chunkedHeader = []byte("transfer-encoding: chunked")
)

// answer reads one response and returns its status and the size of its body.
func answer(reader *bufio.Reader) (int, int, error) {
	line, err := reader.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("not HTTP: %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, 0, err
	}
	size := 0
	for {
		line, err = reader.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if len(line) > len(lengthHeader) && bytes.EqualFold(line[:len(lengthHeader)], lengthHeader) {
			size, err = strconv.Atoi(string(bytes.TrimSpace(line[len(lengthHeader):])))
			if err != nil {
				return 0, 0, err
			}
		}
		if bytes.EqualFold(line, chunkedHeader) {
			return 0, 0, fmt.Errorf("a chunked answer: neither side sends one here")
		}
	}
	if _, err = io.CopyN(io.Discard, reader, int64(size)); err != nil {
		return 0, 0, err
	}
	return status, size, nil
}
