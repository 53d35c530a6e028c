/** What the command line takes from this room. */
export { openConsole, type Terminal } from './console.ts';
export { openControl } from './control.ts';
export type { TransportEnv } from './env.ts';
export { openReader } from './reader.ts';
export {
  openReplay,
  parseSnapshot,
  snapshotFormat,
  snapshotJson,
  type Snapshot,
  type SnapshotServer,
} from './replay.ts';
export { expandHome } from './sshconfig.ts';
export { consoleText, holdText, opText, waitText, writeText } from './texts.ts';
export { largestSetting, readUserFile } from './user-file.ts';
export { openLocks } from './locks.ts';
