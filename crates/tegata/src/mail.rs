//! What carries letters: an SMTP server for `serve`, the terminal and a folder for `dev`.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
        response::Category,
    },
};
use tegata_core::{
    Core,
    mail::{Language, MailError, Mailer, Message, Sending},
};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    config::{Mail, MailTls},
    data_dir,
    listen::Stop,
    terminal,
};

/// How often letters whose time has come are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// How long a mail server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Whether letters can be from this.
pub(crate) fn check_from(text: &str) -> Result<(), String> {
    text.parse::<Mailbox>().map(drop).map_err(|_| "expected an address, `name@example.com` or `Name <name@example.com>`".to_owned())
}

/// Gives letters to a mail server.
pub(crate) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    language: Language,
}

impl Smtp {
    /// Reads what the configuration names. Connects to nobody yet.
    pub(crate) fn new(mail: &Mail) -> Result<Self, String> {
        let from: Mailbox = mail.from.parse().map_err(|_| format!("`mail.from`: `{}` is no address", mail.from))?;
        let hello = ClientId::Domain(from.email.domain().to_owned());
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.host)
            .port(mail.port)
            .tls(Self::tls(mail)?)
            .hello_name(hello)
            .timeout(Some(PATIENCE));
        if let Some((user, password)) = &mail.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(Self { transport: builder.build(), from, language: mail.language })
    }

    fn tls(mail: &Mail) -> Result<Tls, String> {
        if mail.tls == MailTls::Plain {
            return Ok(Tls::None);
        }
        let mut parameters = TlsParameters::builder(mail.host.clone());
        if let Some(path) = &mail.ca_file {
            let pem = fs::read(path).map_err(|error| format!("`mail.ca_file`: `{}` cannot be read: {error}", path.display()))?;
            let certificate = Certificate::from_pem(&pem)
                .map_err(|error| format!("`mail.ca_file`: `{}` holds no certificate: {error}", path.display()))?;
            parameters = parameters.add_root_certificate(certificate);
        }
        let parameters = parameters.build_rustls().map_err(|error| format!("`mail.tls`: TLS cannot be set up: {error}"))?;
        Ok(if mail.tls == MailTls::Implicit { Tls::Wrapper(parameters) } else { Tls::Required(parameters) })
    }

    async fn carry(&self, message: &Message) -> Result<(), MailError> {
        let refused = |what: &str| MailError::Refused(what.to_owned());
        let to: Mailbox = message.to.parse().map_err(|_| refused("the recipient's address is none"))?;
        // No machine shall answer (RFC 3834 §5).
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let email = lettre::Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(message.subject.clone())
            .message_id(Some(format!("<{}@{}>", message.id, self.from.email.domain())))
            .raw_header(automatic)
            .header(ContentType::TEXT_PLAIN)
            .body(message.body.clone())
            .map_err(|error| refused(&format!("it cannot be written as a message: {error}")))?;
        match self.transport.send(email).await {
            Ok(_) => Ok(()),
            Err(error) => Err(why(&error)),
        }
    }
}

/// What a failure means for the message. The server's own words may name the recipient and stay out.
fn why(error: &smtp::Error) -> MailError {
    match error.status() {
        Some(code) if error.is_permanent() && code.category == Category::MailSystem => {
            MailError::Refused(format!("it answered {code} for the recipient"))
        }
        Some(code) => MailError::NotNow(format!("it answered {code}")),
        None => {
            let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
            MailError::Unreachable(cause)
        }
    }
}

impl Mailer for Smtp {
    fn language(&self) -> Language {
        self.language
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.carry(message))
    }
}

/// Prints letters, and keeps each as a file: for people and programs that test with `tegata dev`.
pub(crate) struct Printed {
    folder: PathBuf,
}

impl Printed {
    /// Keeps letters in `folder`, which is made with the first.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn keep(&self, message: &Message) -> std::io::Result<()> {
        let text = format!("To: {}\nSubject: {}\n\n{}", message.to, message.subject, message.body);
        fs::create_dir_all(&self.folder)?;
        // Ids begin with the time, so the names are in the order of the letters.
        data_dir::write_file(&self.folder.join(format!("{}.txt", message.id)), text.as_bytes(), false)?;
        terminal::say(&format!("--- letter ---\n{text}--- end of letter ---"));
        Ok(())
    }
}

impl Mailer for Printed {
    fn language(&self) -> Language {
        Language::English
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move { self.keep(message).map_err(|error| MailError::NotNow(error.to_string())) })
    }
}

/// Sends letters until the server stops; a letter that is on its way then still arrives.
pub(crate) async fn post(core: Arc<Core>, mut stop: Stop) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.asked() => return,
            _ = look.tick() => {
                if let Err(error) = core.send_letters().await {
                    tracing::warn!(%error, "letters could not be looked for; it is tried again");
                }
            }
        }
    }
}
