package gate

import (
	"os"
	"path"
	"path/filepath"
	"slices"

	"clove.i2p/plugins/api/pb"
)

// statAll describes names in the folder of a request, following links that stay below the root.
func statAll(names []string, r *pb.OpenFileRequest) ([]*pb.File, error) {
	root, err := os.OpenRoot(atHome(r.GetRoot()))
	if err != nil {
		return nil, fileError(err, r)
	}
	defer root.Close()
	slices.Sort(names)
	var out []*pb.File
	for _, name := range names {
		info, err := root.Stat(filepath.FromSlash(path.Join(r.GetPath(), name)))
		if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
			continue
		}
		f := fileInfo(info)
		f.Name = name
		out = append(out, f)
	}
	return out, nil
}
