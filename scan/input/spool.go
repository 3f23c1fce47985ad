package input

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// stage returns a file that can be read more than once.
func (in *Input) stage(ctx context.Context, path string, stdin io.Reader, tempDir string) (string, error) {
	open := func() (io.ReadCloser, error) { return os.Open(path) }
	if path == "-" {
		in.name = "standard input"
		open = func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }
		return in.spool(ctx, open, tempDir)
	}
	stat, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if stat.IsDir() {
		return "", fmt.Errorf("%w; give one of the files in it", syscall.EISDIR)
	}
	if !stat.Mode().IsRegular() {
		return in.spool(ctx, open, tempDir) // a pipe, such as <(command) of a shell
	}
	return path, nil
}

// maxGunzipped is what a list may unpack to that was packed with gzip.
const maxGunzipped = 8 << 30

// unpack returns a file itself or, of one packed with gzip, a copy of what is in it.
func (in *Input) unpack(ctx context.Context, file, tempDir string) (string, error) {
	head, err := readHead(file)
	if err != nil || !bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		return file, err
	}
	return in.spool(ctx, func() (io.ReadCloser, error) {
		packed, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		unpacked, err := gzip.NewReader(&stoppable{ctx, packed})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w: it begins like a gzip file but is damaged: %w", ErrFormat, err), packed.Close())
		}
		return &gunzipped{unpacked, packed, maxGunzipped}, nil
	}, tempDir)
}

// gunzipped is what a packed file holds, up to a bound.
type gunzipped struct {
	io.Reader
	file io.Closer
	left int64
}

// Read unpacks, and fails with ErrFormat as soon as it is more than the bound.
func (g *gunzipped) Read(to []byte) (int, error) {
	n, err := g.Reader.Read(to)
	if g.left -= int64(n); g.left < 0 {
		return 0, fmt.Errorf("%w of a size that can be read: it unpacks to more than %d GiB", ErrFormat, maxGunzipped>>30)
	}
	return n, err
}

// Close closes the packed file.
func (g *gunzipped) Close() error { return g.file.Close() }

// spool copies a stream to a file. If ctx ends first, the copying goroutine
// stays in its Read and ends at its next Write.
func (in *Input) spool(ctx context.Context, open func() (io.ReadCloser, error), tempDir string) (string, error) {
	dir, err := in.tempDir(tempDir)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp(dir, "spool-")
	if err != nil {
		return "", fmt.Errorf("make a temporary file: %w", err)
	}
	copied := make(chan error, 1)
	go func() { copied <- copyStream(file, open) }()
	select {
	case err = <-copied:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return file.Name(), errors.Join(err, file.Close())
}

func copyStream(file *os.File, open func() (io.ReadCloser, error)) error {
	stream, err := open()
	if err != nil {
		return err
	}
	defer stream.Close()
	if _, err = io.Copy(file, stream); err != nil {
		return fmt.Errorf("copy it to a temporary file: %w", err)
	}
	return nil
}

// tempDir returns a directory that Close removes with all that is in it.
func (in *Input) tempDir(parent string) (string, error) {
	if in.temp != "" {
		return in.temp, nil
	}
	dir, err := os.MkdirTemp(parent, "caascan-")
	if err != nil {
		return "", fmt.Errorf("make a directory for temporary files: %w", err)
	}
	in.temp = dir
	return dir, nil
}
