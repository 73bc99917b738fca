// The permissions of each role. Made by types.mjs from the table of docs/roles.md.

export const ROLES = ["tenant-admin","platform-admin","observer","auditor","approver","platform-observer"] as const;

export const RIGHTS = {
  "start a workflow": {
    "tenant-admin": "own tenant",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "no",
    "platform-observer": "no"
  },
  "see executions and their steps": {
    "tenant-admin": "own tenant",
    "platform-admin": "every tenant",
    "observer": "own tenant",
    "auditor": "no",
    "approver": "where asked",
    "platform-observer": "every tenant"
  },
  "see inputs and outputs, and texts that may quote them": {
    "tenant-admin": "own tenant",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "no",
    "platform-observer": "no"
  },
  "cancel an execution": {
    "tenant-admin": "own tenant",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "no",
    "platform-observer": "no"
  },
  "roll an ended execution back": {
    "tenant-admin": "no",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "no",
    "platform-observer": "no"
  },
  "redrive an execution": {
    "tenant-admin": "no",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "no",
    "platform-observer": "no"
  },
  "see workflows": {
    "tenant-admin": "own tenant",
    "platform-admin": "every tenant",
    "observer": "own tenant",
    "auditor": "no",
    "approver": "no",
    "platform-observer": "every tenant"
  },
  "see incidents": {
    "tenant-admin": "own tenant",
    "platform-admin": "every tenant",
    "observer": "own tenant",
    "auditor": "no",
    "approver": "where asked",
    "platform-observer": "every tenant"
  },
  "acknowledge and resolve incidents": {
    "tenant-admin": "no",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "no",
    "platform-observer": "no"
  },
  "decide what an execution waits for": {
    "tenant-admin": "no",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "where asked",
    "platform-observer": "no"
  },
  "act on many executions at once": {
    "tenant-admin": "own tenant",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "own tenant",
    "platform-observer": "no"
  },
  "list and fetch receipts and digests": {
    "tenant-admin": "own tenant",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "own tenant",
    "approver": "no",
    "platform-observer": "no"
  },
  "see the questions that wait for people": {
    "tenant-admin": "own tenant",
    "platform-admin": "every tenant",
    "observer": "own tenant",
    "auditor": "no",
    "approver": "own tenant",
    "platform-observer": "every tenant"
  },
  "see what is paused": {
    "tenant-admin": "own tenant",
    "platform-admin": "every tenant",
    "observer": "own tenant",
    "auditor": "no",
    "approver": "no",
    "platform-observer": "every tenant"
  },
  "see what a pause would touch": {
    "tenant-admin": "no",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "no",
    "platform-observer": "no"
  },
  "pause and resume": {
    "tenant-admin": "no",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "no",
    "platform-observer": "no"
  },
  "see, register and close tenants": {
    "tenant-admin": "no",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "no",
    "platform-observer": "no"
  },
  "see and name stand-ins for groups": {
    "tenant-admin": "no",
    "platform-admin": "every tenant",
    "observer": "no",
    "auditor": "no",
    "approver": "own tenant",
    "platform-observer": "no"
  }
} as const;
