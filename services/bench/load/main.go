// A load generator that costs little beside what it measures: requests are written beforehand, an answer is read no
// further than needed. It speaks to 127.0.0.1 only, sends each request once and stops at a deadline.
//
//	load -port 3007 -connections 64 -requests FILE -seconds 60
//
// FILE holds requests, each behind its length (4 bytes, little endian). It prints one JSON object.
package main

import (
	"bufio"
	"bytes"
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
	flag.Parse()
	requests, err := read(*file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	result, err := run(*port, *connections, requests, time.Duration(*seconds*float64(time.Second)))
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

func run(port, connections int, requests [][]byte, limit time.Duration) (*report, error) {
	var next atomic.Int64
	workers := make([]worker, connections)
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	deadline := time.Now().Add(limit + 10*time.Second)
	for i := range workers {
		w := &workers[i]
		w.statuses = map[int]int{}
		w.times = make([]time.Duration, 0, len(requests)/connections*2)
		connection, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return nil, err
		}
		defer connection.Close()
		_ = connection.SetDeadline(deadline)
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			reader := bufio.NewReaderSize(connection, 32<<10)
			ready.Done()
			<-begin
			stop := time.Now().Add(limit)
			for {
				n := next.Add(1) - 1
				if n >= int64(len(requests)) || time.Now().After(stop) {
					return
				}
				sent := time.Now()
				if _, w.failure = connection.Write(requests[n]); w.failure != nil {
					return
				}
				status, size, err := answer(reader)
				if err != nil {
					w.failure = err
					return
				}
				w.times = append(w.times, time.Since(sent))
				w.statuses[status]++
				w.bytes += size
			}
		}()
	}
	ready.Wait()
	started := time.Now()
	close(begin)
	done.Wait()
	return total(workers, len(requests), time.Since(started))
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
	result.P50, result.P99, result.Longest = at(0.50), at(0.99), at(1)
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
