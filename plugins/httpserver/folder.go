package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// folder serves files, but no listings and nothing hidden. That nothing leads out of it, by ".." or by links, is the host's
// work: it is the one who opens files.
type folder struct {
	files  fs.FS
	index  string
	maxAge time.Duration
}

func newFolder(files fs.FS, index string, maxAge time.Duration) *folder {
	if index == "" {
		index = "index.html"
	}
	return &folder{files, index, maxAge}
}

func (f *folder) there() bool {
	info, err := fs.Stat(f.files, ".")
	return err == nil && info.IsDir()
}

func (f *folder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		page(w, http.StatusMethodNotAllowed, "Here is only something to read.")
		return
	}
	name, ok := fileName(r.URL.Path)
	if !ok {
		f.notFound(w, r)
		return
	}
	file, info, err := f.open(name)
	if err == nil && info.IsDir() {
		_ = file.Close()
		if !strings.HasSuffix(r.URL.Path, "/") {
			redirect(w, r, path.Base(r.URL.Path)+"/")
			return
		}
		name = path.Join(name, f.index)
		if file, info, err = f.open(name); err == nil && info.IsDir() {
			_ = file.Close()
			err = fs.ErrNotExist
		}
	} else if err == nil && strings.HasSuffix(r.URL.Path, "/") {
		_ = file.Close()
		err = fs.ErrNotExist
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrInvalid):
		f.notFound(w, r)
		return
	case err != nil:
		page(w, http.StatusServiceUnavailable, "The files of this site cannot be read right now.")
		return
	}
	defer file.Close()
	content, ok := file.(io.ReadSeeker)
	if !ok {
		page(w, http.StatusServiceUnavailable, "The files of this site cannot be read right now.")
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Etag", etag(info))
	h.Set("Cache-Control", "no-cache")
	if f.maxAge > 0 {
		h.Set("Cache-Control", "max-age="+strconv.Itoa(int(f.maxAge/time.Second)))
	}
	http.ServeContent(w, r, "", info.ModTime(), content)
}

func (f *folder) open(name string) (fs.File, fs.FileInfo, error) {
	file, err := f.files.Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// fileName turns the path of a request into a name for fs.FS. Names that begin with a dot are not served, nor those that mean
// something else on another system.
func fileName(urlPath string) (string, bool) {
	if !strings.HasPrefix(urlPath, "/") || strings.ContainsAny(urlPath, "\\\x00:") {
		return "", false
	}
	name := strings.Trim(path.Clean(urlPath), "/")
	if name == "" {
		return ".", true
	}
	for part := range strings.SplitSeq(strings.Trim(urlPath, "/"), "/") {
		if strings.HasPrefix(part, ".") {
			return "", false
		}
	}
	return name, fs.ValidPath(name)
}

// redirect is relative: only the browser knows by which name it came.
func redirect(w http.ResponseWriter, r *http.Request, to string) {
	to = "./" + (&url.URL{Path: to}).EscapedPath() // a first segment with a colon would be a scheme
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	page(w, http.StatusMovedPermanently, "It is a folder.")
}

// etag changes with size and time. It is strong: the same bytes come for it.
func etag(info fs.FileInfo) string {
	return fmt.Sprintf("\"%x-%x\"", info.ModTime().UnixMilli(), info.Size())
}

// notFound gives the folder's own 404.html, if it has one.
func (f *folder) notFound(w http.ResponseWriter, r *http.Request) {
	file, info, err := f.open("404.html")
	if err == nil {
		defer file.Close()
	}
	if err != nil || info.IsDir() || info.Size() > maxErrorPage {
		page(w, http.StatusNotFound, "There is no such page here.")
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType("404.html"))
	h.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	h.Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusNotFound)
	if r.Method != http.MethodHead {
		_, _ = io.CopyN(w, file, info.Size())
	}
}

// types are by the name alone: what strangers see does not depend on what this system knows.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".mjs": "text/javascript; charset=utf-8", ".json": "application/json", ".xml": "text/xml; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	".asc": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".wasm": "application/wasm",
	".map": "application/json", ".webmanifest": "application/manifest+json", ".atom": "application/atom+xml", ".rss": "application/rss+xml",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
	".svg": "image/svg+xml", ".ico": "image/x-icon", ".bmp": "image/bmp",
	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf",
	".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".flac": "audio/flac", ".wav": "audio/wav",
	".mp4": "video/mp4", ".webm": "video/webm", ".mkv": "video/x-matroska",
	".pdf": "application/pdf", ".epub": "application/epub+zip", ".torrent": "application/x-bittorrent", ".zip": "application/zip",
	".gz": "application/gzip", ".xz": "application/x-xz", ".tar": "application/x-tar", ".bz2": "application/x-bzip2",
	".zst": "application/zstd", ".7z": "application/x-7z-compressed", ".su3": "application/x-i2p-su3-update",
}

func contentType(name string) string {
	if t := types[strings.ToLower(path.Ext(name))]; t != "" {
		return t
	}
	return "application/octet-stream"
}
