// SPDX-License-Identifier: Apache-2.0
//! The adapter of the crate `stdiobus`: JSON lines of commands in, JSON lines of answers and events out.
//!
//! The crate has no streams, pools, handshake, answers to workers or end of a subscription but to drop it: what it has not is
//! not described.

use serde_json::{json, Map, Value};
use std::collections::HashMap;
use std::future::{poll_fn, Future};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use stdiobus::{BackendMode, BusConfig, Error, LimitsConfig, PoolConfig, RequestOptions, StdioBus};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::broadcast::{error::RecvError, Receiver};
use tokio::task::JoinHandle;

const CAPABILITIES: [&str; 9] = ["cancel", "next", "notify", "request", "send", "state", "stats", "stop", "subscribe"];
const CLOSE_SECONDS: u32 = 1; // for workers at `close`, which is no test of stopping
const LOCK: &str = include_str!("../Cargo.lock");

/// What becomes of a call.
enum Came {
    Result(Value),
    Done,
    Open,
    Failed(Value),
    Unsupported,
}

/// A subscription; nothing is taken from it before `next` asks.
struct Subscription {
    receiver: Receiver<Value>,
    dropped: u64,
}

type Handle = Arc<tokio::sync::Mutex<Option<Subscription>>>;

#[derive(Default)]
struct Adapter {
    bus: Mutex<Option<Arc<StdioBus>>>,
    running: Mutex<HashMap<String, JoinHandle<()>>>,
    subscriptions: Mutex<HashMap<String, Handle>>,
    closing: tokio::sync::Mutex<()>,
}

impl Adapter {
    fn bus(&self) -> Result<Arc<StdioBus>, Came> {
        let open = self.bus.lock().unwrap().clone();
        open.ok_or_else(|| Came::Failed(json!({"name": "INVALID_STATE", "message": "open comes first"})))
    }

    async fn open(&self, command: &Value) -> Result<(), Value> {
        let backend = match text(command, "backend") {
            "native" => BackendMode::Native,
            other => return Err(json!({"name": "NOT_SUPPORTED", "message": format!("there is no backend {other}")})),
        };
        let mut builder = StdioBus::builder().config(config(&command["config"])?).backend(backend);
        if let Some(timeout) = milliseconds(&command["options"]) {
            builder = builder.timeout(timeout);
        }
        let bus = Arc::new(builder.build().map_err(|error| told(&error))?);
        *self.bus.lock().unwrap() = Some(bus.clone());
        bus.start().await.map_err(|error| told(&error))
    }

    async fn close(&self) -> Result<(), Value> {
        let _one = self.closing.lock().await;
        let open = self.bus.lock().unwrap().clone();
        match open {
            Some(bus) if bus.is_running() => bus.stop_with_timeout(CLOSE_SECONDS).await.map_err(|error| told(&error)),
            _ => Ok(()),
        }
    }

    async fn call(self: Arc<Self>, call: Value) {
        let id = text(&call, "id").to_string();
        match self.came(&call).await {
            Came::Result(value) => say(json!({"call": id, "event": "result", "value": value})),
            Came::Done => say(json!({"call": id, "event": "end"})),
            Came::Open => (),
            Came::Failed(error) => say(json!({"call": id, "event": "error", "error": error})),
            Came::Unsupported => say(json!({"call": id, "event": "unsupported"})),
        }
        self.running.lock().unwrap().remove(&id);
    }

    async fn came(&self, call: &Value) -> Came {
        let known = match text(call, "op") {
            "request" => self.request(call).await,
            "notify" => self.notify(call).await,
            "send" => self.send(call).await,
            "subscribe" => self.subscribe(call),
            "next" => self.next(call).await,
            "cancel" => self.cancel(text(call, "of")).await,
            "state" => self.bus().map(|bus| Came::Result(json!(bus.state().to_string()))),
            "stats" => self.stats(),
            "stop" => self.stop(call).await,
            _ => Ok(Came::Unsupported),
        };
        known.unwrap_or_else(|came| came)
    }

    async fn request(&self, call: &Value) -> Result<Came, Came> {
        let bus = self.bus()?;
        if !call["pool"].is_null() || !call["extension"].is_null() {
            return Ok(Came::Unsupported);
        }
        let chosen = &call["options"];
        let option = |name| chosen[name].as_str().or(call[name].as_str());
        let mut options = RequestOptions { timeout: milliseconds(chosen).or(milliseconds(call)), ..Default::default() };
        options.session_id = option("session").map(String::from);
        options.agent_id = call["agent"].as_str().map(String::from);
        let result = bus.request_with_options(text(call, "method"), params(call), options).await;
        Ok(Came::Result(result.map_err(failed)?))
    }

    async fn notify(&self, call: &Value) -> Result<Came, Came> {
        let bus = self.bus()?;
        if !call["pool"].is_null() || !call["session"].is_null() {
            return Ok(Came::Unsupported);
        }
        bus.notify(text(call, "method"), params(call)).await.map_err(failed)?;
        Ok(Came::Done)
    }

    async fn send(&self, call: &Value) -> Result<Came, Came> {
        self.bus()?.send(text(call, "line")).await.map_err(failed)?;
        Ok(Came::Done)
    }

    fn subscribe(&self, call: &Value) -> Result<Came, Came> {
        let receiver = self.bus()?.subscribe_notifications();
        let policy = call["policy"].as_str().unwrap_or("drop_oldest");
        if !call["pool"].is_null() || !call["max_queue"].is_null() || policy != "drop_oldest" {
            return Ok(Came::Unsupported); // there is one queue of one size for everybody
        }
        let handle = Arc::new(tokio::sync::Mutex::new(Some(Subscription { receiver, dropped: 0 })));
        self.subscriptions.lock().unwrap().insert(text(call, "id").to_string(), handle);
        Ok(Came::Open)
    }

    fn handle(&self, of: &str) -> Result<Handle, Came> {
        let known = self.subscriptions.lock().unwrap().get(of).cloned();
        known.ok_or_else(|| Came::Failed(json!({"name": "LOOKUP", "message": format!("{of} is no subscription")})))
    }

    async fn next(&self, call: &Value) -> Result<Came, Came> {
        let of = text(call, "of");
        let handle = self.handle(of)?;
        let mut open = handle.lock().await;
        for _ in 0..call["n"].as_u64().unwrap_or(0) {
            let Some(subscription) = open.as_mut() else { break };
            match subscription.pull().await {
                Some(value) => {
                    say(json!({"call": of, "event": "notification", "value": value, "dropped": subscription.dropped}))
                }
                None => {
                    say(json!({"call": of, "event": "end", "dropped": subscription.dropped}));
                    *open = None;
                }
            }
        }
        Ok(Came::Done)
    }

    async fn cancel(&self, of: &str) -> Result<Came, Came> {
        let running = self.running.lock().unwrap().remove(of);
        if let Some(task) = running {
            task.abort();
            if task.await.is_err_and(|error| error.is_cancelled()) {
                say(json!({"call": of, "event": "end"}));
            }
        }
        Ok(Came::Done)
    }

    async fn stop(&self, call: &Value) -> Result<Came, Came> {
        let bus = self.bus()?;
        let stopped = match milliseconds(call) {
            Some(timeout) => bus.stop_with_timeout(timeout.as_secs_f64().ceil() as u32).await,
            None => bus.stop().await,
        };
        stopped.map_err(failed)?;
        Ok(Came::Done)
    }

    fn stats(&self) -> Result<Came, Came> {
        let bus = self.bus()?;
        let mut stats = serde_json::to_value(bus.stats()).unwrap_or_else(|_| json!({}));
        stats["workers"] = json!(bus.worker_count());
        stats["clients"] = json!(bus.client_count());
        Ok(Came::Result(stats))
    }
}

impl Subscription {
    async fn pull(&mut self) -> Option<Value> {
        loop {
            match self.receiver.recv().await {
                Ok(value) => return Some(value),
                Err(RecvError::Lagged(number)) => self.dropped += number,
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// A configuration as the crate's types; a member that they have not is an error.
fn config(given: &Value) -> Result<BusConfig, Value> {
    let refused = |what: String| json!({"name": "NOT_SUPPORTED", "message": what});
    let mut pools = Vec::new();
    for pool in given["pools"].as_array().into_iter().flatten() {
        let mut pool: Map<String, Value> = pool.as_object().cloned().unwrap_or_default();
        if let Some(name) = pool.keys().find(|name| !["id", "command", "args", "instances"].contains(&name.as_str())) {
            return Err(refused(format!("a pool has no member {name}")));
        }
        pool.entry("instances").or_insert(json!(1)); // which the crate has no default for
        pools.push(serde_json::from_value::<PoolConfig>(pool.into()).map_err(|error| refused(error.to_string()))?);
    }
    let limits = given.get("limits").cloned().map(serde_json::from_value::<LimitsConfig>).transpose();
    Ok(BusConfig { pools, limits: limits.map_err(|error| refused(error.to_string()))? })
}

/// The parameters; where there are none an empty object, because the crate always sends some.
fn params(call: &Value) -> Value {
    call.get("params").cloned().unwrap_or_else(|| json!({}))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn milliseconds(of: &Value) -> Option<Duration> {
    of["timeout_ms"].as_u64().map(Duration::from_millis)
}

fn told(error: &Error) -> Value {
    json!({"code": error.code() as i32, "name": error.code().to_string(), "message": error.to_string()})
}

fn failed(error: Error) -> Came {
    Came::Failed(told(&error))
}

fn say(line: Value) {
    println!("{line}"); // locks and flushes stdout a line at a time
}

fn version() -> &'static str {
    let entry = LOCK.split("[[package]]").find(|entry| entry.contains("name = \"stdiobus\"\n")).unwrap_or_default();
    entry.split("version = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

fn answer(name: &str, came: Result<(), Value>) {
    match came {
        Ok(()) => say(json!({"answer": name})),
        Err(error) => say(json!({"answer": name, "error": error})),
    }
}

/// Begin a command before the next one is read, and let it go on by itself.
async fn obey(adapter: &Arc<Adapter>, command: Value) {
    let adapter = adapter.clone();
    match text(&command, "command") {
        "call" => {
            let id = text(&command, "id").to_string();
            let mut call = Box::pin(adapter.clone().call(command));
            if poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await.is_pending() {
                let mut running = adapter.running.lock().unwrap();
                running.insert(id, tokio::spawn(call));
            }
        }
        "describe" => say(json!({
            "answer": "describe", "name": "stdiobus", "version": version(), "language": "rust",
            "backends": ["native"], "capabilities": CAPABILITIES,
        })),
        "open" => drop(tokio::spawn(async move { answer("open", adapter.open(&command).await) })),
        "close" => drop(tokio::spawn(async move { answer("close", adapter.close().await) })),
        other => say(json!({"answer": other, "unsupported": true})),
    }
}

#[tokio::main]
async fn main() {
    let adapter = Arc::new(Adapter::default());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str::<Value>(&line) {
            Ok(command) if text(&command, "command") == "exit" => break,
            Ok(command) => obey(&adapter, command).await,
            Err(error) => eprintln!("{line}: {error}"),
        }
    }
    let _ = tokio::time::timeout(Duration::from_secs(5), adapter.close()).await;
    std::process::exit(0);
}
