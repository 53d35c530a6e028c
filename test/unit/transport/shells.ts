/** The shells that the texts are tried under: this machine's own `sh`, and BusyBox's where it is installed. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** BusyBox is called by a name that is one word. */
const ash = (): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'reeve-shell-')), 'ash');
  writeFileSync(path, '#!/bin/sh\nexec busybox sh "$@"\n');
  chmodSync(path, 0o755);
  return path;
};

const busybox = spawnSync('sh', ['-c', 'busybox sh -c true']).status === 0;

export const shells: readonly string[] = ['sh', ...(busybox ? [ash()] : [])];
