// SPDX-License-Identifier: Apache-2.0
// The adapter of the package @stdiobus/node 2.x: node adapter.js, where the package is installed beside it.
//
// JSON lines of commands in, JSON lines of answers and events out. What the package's public API has not (streams,
// subscriptions, notifications, the handshake, pools, cancelling) is not described.
"use strict";

const fs = require("fs");
const path = require("path");
const readline = require("readline");

const PACKAGE = "@stdiobus/node";
const CLOSE_SECONDS = 1; // for workers at `close`, which is no test of stopping
const STATES = ["CREATED", "STARTING", "RUNNING", "STOPPING", "STOPPED"];
const UNSUPPORTED = Symbol("unsupported");
const DONE = Symbol("done");
const OPEN = Symbol("open");

console.log = console.error; // stdout belongs to the kit

let sdk = null;
try {
  sdk = require(PACKAGE);
} catch (error) {
  console.error(error.message);
}

class AdapterError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

let bus = null;
let closing = null;
let timeout; // of requests that do not say otherwise; the package takes one with each request only

function opened() {
  if (bus === null) throw new AdapterError("INVALID_STATE", "no bus is open: open comes first");
  return bus;
}

function installed() {
  if (sdk === null) throw new AdapterError("MISSING", `${PACKAGE} is not installed: npm install ${PACKAGE}`);
  return sdk;
}

function defined(members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

const commands = {
  describe() {
    installed();
    const capabilities = Object.keys(ops).sort();
    return { name: PACKAGE, version: version(), language: "javascript", backends: ["native", "docker"], capabilities };
  },

  async open({ config, backend, kernel, extra_args, options }) {
    const { StdioBus } = installed();
    const pools = config.pools.map((pool) => ({ instances: 1, ...pool }));
    const docker = backend === "docker" ? { docker: defined({ image: kernel, extraArgs: extra_args }) } : {};
    bus = new StdioBus({ config: { ...config, pools }, backend, ...docker });
    closing = null;
    timeout = options && options.timeout_ms;
    await bus.start();
  },

  async close() {
    if (bus === null) return;
    closing = closing || bus.stop(CLOSE_SECONDS).then(() => bus.destroy());
    await closing;
  },
};

const ops = {
  async request({ method, params, session, timeout_ms, options, pool, agent, extension }) {
    const bus = opened();
    if (pool !== undefined || agent !== undefined || extension !== undefined) return UNSUPPORTED;
    const chosen = { sessionId: session, timeout: timeout_ms === undefined ? timeout : timeout_ms };
    if (options && options.session !== undefined) chosen.sessionId = options.session;
    if (options && options.timeout_ms !== undefined) chosen.timeout = options.timeout_ms;
    const given = defined(chosen);
    return orNull(await bus.request(method, params, given));
  },

  send({ line }) {
    if (!opened().send(line)) throw new AdapterError("NOT_SENT", "send() returned false");
    return DONE;
  },

  on_message({ id }) {
    opened().onMessage((line) => say({ call: id, event: "notification", value: line }));
    return OPEN;
  },

  async stop({ timeout_ms }) {
    await opened().stop(...(timeout_ms === undefined ? [] : [timeout_ms / 1000]));
    return DONE;
  },

  destroy() {
    opened().destroy();
    return DONE;
  },

  state() {
    return STATES[opened().getState()];
  },

  stats() {
    const bus = opened();
    const counters = Object.entries(bus.getStats()).map(([name, value]) => [snake(name), value]);
    return { ...Object.fromEntries(counters), workers: bus.getWorkerCount(), clients: bus.getClientCount() };
  },
};

async function call(command) {
  const { id, op } = command;
  try {
    const came = Object.hasOwn(ops, op) ? await ops[op](command) : UNSUPPORTED;
    if (came === UNSUPPORTED) say({ call: id, event: "unsupported" });
    else if (came === DONE) say({ call: id, event: "end" });
    else if (came !== OPEN) say({ call: id, event: "result", value: came });
  } catch (error) {
    say({ call: id, event: "error", error: told(error) });
  }
}

async function answer(command) {
  const name = command.command;
  if (!Object.hasOwn(commands, name)) return say({ answer: String(name), unsupported: true });
  try {
    say({ answer: name, ...(await commands[name](command)) });
  } catch (error) {
    say({ answer: name, error: told(error) });
  }
}

function told(error) {
  const known = { name: error.name || "Error", message: error.message || String(error) };
  return Number.isInteger(error.code) ? { ...known, code: error.code } : known;
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function orNull(value) {
  return value === undefined ? null : value;
}

function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

// The version stands in the package's own package.json, which it does not export.
function version() {
  for (let folder = path.dirname(require.resolve(PACKAGE)); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const file = path.join(folder, "package.json");
    if (fs.existsSync(file)) {
      const about = JSON.parse(fs.readFileSync(file, "utf8"));
      if (about.name === PACKAGE) return about.version;
    }
  }
  return "";
}

async function leave() {
  try {
    await commands.close();
  } catch (error) {
    console.error(error);
  }
  process.exit(0);
}

const lines = readline.createInterface({ input: process.stdin });
lines.on("close", leave);
lines.on("line", (line) => {
  const command = JSON.parse(line);
  if (command.command === "exit") leave();
  else if (command.command === "call") call(command);
  else answer(command);
});
