/** What the command line takes from this room. */
export { openControl } from './control.ts';
export { defaultDeadlines, type Deadlines, type TransportEnv } from './env.ts';
export { openReader } from './reader.ts';
export { holdText, opText, waitText, writeText } from './texts.ts';
