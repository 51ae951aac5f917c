package proxies

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"sync"
)

// passwordCache remembers which passwords were right. Its keys tell nothing without the secret, which is random for each
// process. At maxCached entries a random one goes.
type passwordCache struct {
	secret [32]byte
	mu     sync.RWMutex
	known  map[cacheKey]bool
}

type cacheKey [sha256.Size]byte

func (c *passwordCache) key(hash []byte, user, password string) cacheKey {
	h := hmac.New(sha256.New, c.secret[:])
	fmt.Fprintf(h, "%s %d %s %s", hash, len(user), user, password)
	return cacheKey(h.Sum(nil))
}

func (c *passwordCache) has(k cacheKey) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.known[k]
}

func (c *passwordCache) put(k cacheKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxCached {
		for old := range c.known {
			delete(c.known, old)
			break
		}
	}
	c.known[k] = true
}

func (c *passwordCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.known)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
