/** What the command line takes from this room. */
export { openControl } from './control.ts';
export type { TransportEnv } from './env.ts';
export { openReader } from './reader.ts';
export { holdText, opText, waitText, writeText } from './texts.ts';
