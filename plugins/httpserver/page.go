package main

import (
	"fmt"
	"html"
	"net/http"
	"strconv"
	"time"
)

// page is the answer when there is none of the web server's own.
func page(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h["Date"] = nil // the clock of this machine is off by so much as that of no other
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'")
	body := fmt.Sprintf("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%d %s</title></head>\n<body><h1>%[2]s</h1><p>%s</p></body></html>\n",
		status, http.StatusText(status), html.EscapeString(text))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}
