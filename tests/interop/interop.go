// Interop holds Vienna's ledger against golang.org/x/mod/sumdb: the code behind Go's checksum database.
//
//	interop read DIR VERIFIER-KEY        opens the checkpoint, reads every entry by the tiles, proves and checks
//	interop proofs < JSON                checks proofs that were made elsewhere; exits with 1 at the first that is wrong
//	interop make DIR ORIGIN SIZE         makes a log of its own: key, tiles, bundles of entries, checkpoint; prints the key
//	interop vectors                      prints what the tests compare with where Go is not installed
//
// Its tlog package names a tile by height, level and index (tile/8/0/000), C2SP tlog-tiles by level and index (tile/0/000).
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("interop read|proofs|make|vectors"))
	}
	switch os.Args[1] {
	case "read":
		read(os.Args[2], os.Args[3])
	case "proofs":
		proofs()
	case "make":
		size, err := strconv.ParseInt(os.Args[4], 10, 64)
		fail(err)
		made := makeLog(os.Args[3], size)
		made.write(os.Args[2])
		fmt.Println(made.key)
	case "vectors":
		vectors()
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func path(t tlog.Tile) string {
	return strings.Replace(t.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

// directory reads tiles as a client of a mirror does: a partial one that is gone, from the full one.
type directory string

func (d directory) Height() int { return height }

func (d directory) SaveTiles([]tlog.Tile, [][]byte) {}

func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, t := range tiles {
		data, err := os.ReadFile(filepath.Join(string(d), path(t)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func open(dir, key string) tlog.Tree {
	verifier, err := note.NewVerifier(key)
	fail(err)
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	fail(err)
	opened, err := note.Open(data, note.VerifierList(verifier))
	fail(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		fail(fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	fail(err)
	root, err := tlog.ParseHash(lines[2])
	fail(err)
	return tlog.Tree{N: size, Hash: root}
}

func entries(dir string, size int64) [][]byte {
	var found [][]byte
	for at := int64(0); at < size; at += 256 {
		width := 256
		if size-at < 256 {
			width = int(size - at)
		}
		t := tlog.Tile{H: height, L: 0, N: at / 256, W: width}
		data, err := os.ReadFile(filepath.Join(dir, strings.Replace(path(t), "tile/0/", "tile/entries/", 1)))
		fail(err)
		for len(data) > 0 {
			length := binary.BigEndian.Uint16(data)
			found = append(found, data[2:2+length])
			data = data[2+length:]
		}
	}
	if int64(len(found)) != size {
		fail(fmt.Errorf("%d entries in the bundles of a tree of %d", len(found), size))
	}
	return found
}

func read(dir, key string) {
	tree := open(dir, key)
	hashes := tlog.TileHashReader(tree, directory(dir))
	records, trees := 0, 0
	var frontier []tlog.Hash // every root, from the entries alone
	stored := memory{}
	for index, entry := range entries(dir, tree.N) {
		more, err := tlog.StoredHashes(int64(index), entry, stored)
		fail(err)
		stored = append(stored, more...)
		root, err := tlog.TreeHash(int64(index)+1, stored)
		fail(err)
		frontier = append(frontier, root)
		proof, err := tlog.ProveRecord(tree.N, int64(index), hashes)
		fail(err)
		fail(tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), tlog.RecordHash(entry)))
		records++
	}
	for size := int64(1); size <= tree.N; size++ {
		proof, err := tlog.ProveTree(tree.N, size, hashes)
		fail(err)
		fail(tlog.CheckTree(proof, tree.N, tree.Hash, size, frontier[size-1]))
		trees++
	}
	fmt.Printf("{\"size\": %d, \"records\": %d, \"trees\": %d}\n", tree.N, records, trees)
}

type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		found = append(found, m[index])
	}
	return found, nil
}

// A claim is an inclusion proof (Leaf is there) or a consistency proof (Old is).
type claim struct {
	Size  int64
	Root  tlog.Hash
	Index int64
	Leaf  *tlog.Hash `json:",omitempty"`
	Old   *tlog.Hash `json:",omitempty"`
	Proof []tlog.Hash
}

func (c claim) check() error {
	if c.Leaf != nil {
		return tlog.CheckRecord(c.Proof, c.Size, c.Root, c.Index, *c.Leaf)
	}
	return tlog.CheckTree(c.Proof, c.Size, c.Root, c.Index, *c.Old)
}

func proofs() {
	var claims []claim
	fail(json.NewDecoder(os.Stdin).Decode(&claims))
	for number, c := range claims {
		if err := c.check(); err != nil {
			fail(fmt.Errorf("claim %d: %v", number, err))
		}
	}
	fmt.Println(len(claims))
}

type made struct {
	tree       tlog.Tree
	stored     memory
	records    [][]byte
	key        string
	checkpoint []byte
}

func makeLog(origin string, size int64) made {
	// A key that is the same each time: it protects nothing.
	seed := sha256.Sum256([]byte("interop " + origin))
	secret, key, err := note.GenerateKey(bytes.NewReader(seed[:]), origin)
	fail(err)
	signer, err := note.NewSigner(secret)
	fail(err)
	m := made{key: key}
	for index := int64(0); index < size; index++ {
		record := []byte(fmt.Sprintf("go entry %d", index))
		more, err := tlog.StoredHashes(index, record, m.stored)
		fail(err)
		m.stored = append(m.stored, more...)
		m.records = append(m.records, record)
	}
	root, err := tlog.TreeHash(size, m.stored)
	fail(err)
	m.tree = tlog.Tree{N: size, Hash: root}
	m.checkpoint, err = note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, size, root)}, signer)
	fail(err)
	return m
}

func (m made) write(dir string) {
	put := func(name string, data []byte) {
		fail(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		fail(os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
	tiles := tlog.NewTiles(height, 0, m.tree.N)
	for at, t := range tiles {
		if at+1 < len(tiles) && tiles[at+1].L == t.L && tiles[at+1].N == t.N {
			continue // it lists a partial tile for each size on the way
		}
		data, err := tlog.ReadTileData(t, m.stored)
		fail(err)
		put(path(t), data)
		if t.L == 0 {
			var bundle []byte
			for _, record := range m.records[t.N*256 : t.N*256+int64(t.W)] {
				bundle = append(append(bundle, byte(len(record)>>8), byte(len(record))), record...)
			}
			put(strings.Replace(path(t), "tile/0/", "tile/entries/", 1), bundle)
		}
	}
	put("checkpoint", m.checkpoint)
}

func (m made) claims(inclusion, consistency []int64) []claim {
	var found []claim
	for _, index := range inclusion {
		proof, err := tlog.ProveRecord(m.tree.N, index, m.stored)
		fail(err)
		leaf := tlog.RecordHash(m.records[index])
		found = append(found, claim{Size: m.tree.N, Root: m.tree.Hash, Index: index, Leaf: &leaf, Proof: proof})
	}
	for _, size := range consistency {
		proof, err := tlog.ProveTree(m.tree.N, size, m.stored)
		fail(err)
		old, err := tlog.TreeHash(size, m.stored)
		fail(err)
		found = append(found, claim{Size: m.tree.N, Root: m.tree.Hash, Index: size, Old: &old, Proof: proof})
	}
	return found
}

func vectors() {
	type log struct {
		Origin     string
		Key        string
		Checkpoint string
		Tiles      map[string]string // SHA-256 of each file, base64
		Claims     []claim
	}
	out := struct {
		Origin  string
		Entries string
		Logs    []log
	}{
		Origin:  "made by tests/interop/interop.go (vectors) on golang.org/x/mod/sumdb/{tlog,note}, Debian's golang-golang-x-mod-dev",
		Entries: "entry i of each log is the text: go entry i",
	}
	for _, size := range []int64{1, 2, 3, 7, 8, 13, 255, 256, 257, 700, 66000} {
		m := makeLog(fmt.Sprintf("go.example/log-%d", size), size)
		var inclusion, consistency []int64
		for index := int64(0); index < size; index++ {
			if size <= 13 || index == 0 || index == size-1 || index == size/2 || index == 255 || index == 256 {
				inclusion, consistency = append(inclusion, index), append(consistency, index+1)
			}
		}
		one := log{Origin: fmt.Sprintf("go.example/log-%d", size), Key: m.key, Checkpoint: string(m.checkpoint), Tiles: map[string]string{}}
		one.Claims = m.claims(inclusion, consistency)
		if size <= 700 {
			dir, err := os.MkdirTemp("", "interop")
			fail(err)
			defer os.RemoveAll(dir)
			m.write(dir)
			fail(filepath.Walk(filepath.Join(dir, "tile"), func(name string, info os.FileInfo, err error) error {
				if err != nil || info.IsDir() {
					return err
				}
				data, err := os.ReadFile(name)
				sum := sha256.Sum256(data)
				relative, _ := filepath.Rel(dir, name)
				one.Tiles[relative] = base64.StdEncoding.EncodeToString(sum[:])
				return err
			}))
		}
		out.Logs = append(out.Logs, one)
	}
	data, err := json.MarshalIndent(out, "", " ")
	fail(err)
	_, err = io.Copy(os.Stdout, bytes.NewReader(append(data, '\n')))
	fail(err)
}
