//! People who use the REST API.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// A signed-in user.
#[derive(Clone)]
pub struct Person {
    http: reqwest::Client,
    token: String,
    /// The user's id.
    pub id: String,
}

impl Person {
    /// Signs up with a name that nobody has.
    pub async fn sign_up(url: &str, name: &str) -> Result<Self> {
        let http = reqwest::Client::new();
        let body = json!({ "username": name, "password": "correct horse battery" });
        let answer = http.post(format!("{url}/api/v1/auth/signup")).json(&body).send().await?;
        ensure!(answer.status() == 201, "{}", answer.text().await?);
        let answer: Value = answer.json().await?;
        Ok(Self { http, token: text(&answer["accessToken"])?, id: text(&answer["user"]["id"])? })
    }

    /// The user's access token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Asks for something that is there.
    pub async fn get(&self, url: &str, path: &str) -> Result<Value> {
        let answer = self.http.get(format!("{url}/api/v1{path}")).bearer_auth(&self.token).send().await?;
        ensure!(answer.status() == 200, "{path}: {}", answer.text().await?);
        Ok(answer.json().await?)
    }

    /// Deletes something; the status of the answer.
    pub async fn delete(&self, url: &str, path: &str) -> Result<u16> {
        let answer = self.http.delete(format!("{url}/api/v1{path}")).bearer_auth(&self.token).send().await?;
        Ok(answer.status().as_u16())
    }

    /// Posts something; the status and the body of the answer.
    pub async fn post(&self, url: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
        self.call(url, "POST", path, Some(body)).await
    }

    /// Asks for whatever there is to ask; the status and the body of the answer.
    pub async fn call(&self, url: &str, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        let request = self.http.request(method.parse()?, format!("{url}/api/v1{path}")).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? }))
    }

    /// Opens the conversation with another user, and gives its id.
    pub async fn open(&self, url: &str, other: &Self) -> Result<String> {
        let (_, conversation) = self.post(url, "/conversations/direct", &json!({ "userId": other.id })).await?;
        text(&conversation["id"])
    }

    /// All messages of a conversation, in order.
    pub async fn history(&self, url: &str, conversation: &str) -> Result<Vec<Value>> {
        let mut messages = Vec::new();
        let mut after = 0;
        loop {
            let path = format!("/conversations/{conversation}/messages?afterSeq={after}&limit=100");
            let page = self.get(url, &path).await?;
            let items = page["items"].as_array().context("items is no list")?;
            messages.extend(items.iter().cloned());
            match items.last() {
                Some(last) => after = last["seq"].as_u64().context("seq is no number")?,
                None => return Ok(messages),
            }
        }
    }
}

/// The text in a value.
pub fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{value} is no text"))
}
