// probe is the one program in the lab's container images: a sandbox's first process, or a task that can be told how to behave.
//
//	probe pause                                   wait for a signal (what a pod's sandbox runs)
//	probe serve [-port 8080] [-ready-after 0s]    answer HTTP until SIGTERM
//	probe run [-say TEXT] [-sleep 0s] [-exit N]   print, sleep, exit
//	probe get URL                                 fetch a URL; exit 0 on 2xx (a container's health check)
//
// serve and run take -stop-after DURATION and -ignore-term to show what happens on SIGTERM. serve answers / (host name, environment, address),
// /healthz (200, or 503 after POST /fail), /exit?code=N (end with that code), /spin?for=10s (burn one CPU).
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"berth.dev/lab/internal/stamp"
)

func say(format string, arguments ...any) { fmt.Printf(format+"\n", arguments...) }

// onTerm logs the signal and ends the process after the grace that it was told to take, or never.
func onTerm(stopAfter time.Duration, ignore bool) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for received := range signals {
			say("received %v", received)
			if ignore {
				continue
			}
			time.Sleep(stopAfter)
			say("stopped")
			os.Exit(0)
		}
	}()
}

func pause() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
}

type options struct {
	stopAfter  time.Duration
	ignoreTerm bool
}

func (o *options) register(flags *flag.FlagSet) {
	flags.DurationVar(&o.stopAfter, "stop-after", 0, "how long to go on after SIGTERM")
	flags.BoolVar(&o.ignoreTerm, "ignore-term", false, "do not end on SIGTERM")
}

func describe(request *http.Request) map[string]any {
	host, _ := os.Hostname()
	environment := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		environment[name] = value
	}
	return map[string]any{"hostname": host, "env": environment, "args": os.Args[1:], "path": request.URL.Path, "remote": request.RemoteAddr, "uid": os.Getuid()}
}

func spin(length time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end); {
	}
}

func routes(readyAt time.Time) http.Handler {
	var failing atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(describe(r))
	})
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if failing.Load() || time.Now().Before(readyAt) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /fail", func(http.ResponseWriter, *http.Request) { failing.Store(true) })
	mux.HandleFunc("/exit", func(_ http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.URL.Query().Get("code"))
		say("told to exit %d", code)
		os.Exit(code)
	})
	mux.HandleFunc("/spin", func(_ http.ResponseWriter, r *http.Request) {
		if length, err := time.ParseDuration(r.URL.Query().Get("for")); err == nil {
			go spin(length)
		}
	})
	return mux
}

func serve(arguments []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	port := flags.Int("port", 8080, "port")
	readyAfter := flags.Duration("ready-after", 0, "answer 503 on /healthz for this long")
	var o options
	o.register(flags)
	_ = flags.Parse(arguments)
	onTerm(o.stopAfter, o.ignoreTerm)
	say("serving on port %d", *port)
	return http.ListenAndServe(fmt.Sprintf(":%d", *port), routes(time.Now().Add(*readyAfter)))
}

func run(arguments []string) {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	text := flags.String("say", "", "text to print")
	sleep := flags.Duration("sleep", 0, "how long to run")
	code := flags.Int("exit", 0, "exit code")
	var o options
	o.register(flags)
	_ = flags.Parse(arguments)
	onTerm(o.stopAfter, o.ignoreTerm)
	if *text != "" {
		say("%s", *text)
	}
	time.Sleep(*sleep)
	os.Exit(*code)
}

func get(arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("usage: probe get URL")
	}
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(arguments[0])
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s", response.Status)
	}
	_, err = os.Stdout.ReadFrom(response.Body)
	return err
}

func main() {
	stamp.Answer()
	command := "pause"
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	var err error
	switch command {
	case "pause":
		pause()
	case "serve":
		err = serve(os.Args[2:])
	case "run":
		run(os.Args[2:])
	case "get":
		err = get(os.Args[2:])
	default:
		err = fmt.Errorf("usage: probe pause|serve|run|get")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
